//! Enums whose values are words on the wire. A word is written once, and serde, labels and texts all have it from there.

/// Declares such an enum, with `ALL` and `as_str`.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $Enum:ident {
            $($(#[$doc:meta])* $Name:ident = $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $Enum {
            $($(#[$doc])* #[serde(rename = $word)] $Name,)+
        }

        impl $Enum {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$Name),+];

            /// As it is written on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Name => $word,)+ }
            }
        }
    };
}
pub(crate) use words;
