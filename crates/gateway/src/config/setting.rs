//! How a value gets into its field, and how it is shown.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::raw::Raw;

/// A field of [`super::Config`], seen without its type.
pub(super) enum Setting<'a> {
    /// What is written as text, yes or no, or a list of texts.
    Plain(&'a mut dyn Plain),
    /// A whole number within bounds.
    Number(&'a mut dyn Number, RangeInclusive<u64>),
    /// A time, in milliseconds.
    Millis(&'a mut Duration, RangeInclusive<u64>),
    /// A time, in seconds.
    Seconds(&'a mut Duration, RangeInclusive<u64>),
    /// A time, in microseconds.
    Micros(&'a mut Duration, RangeInclusive<u64>),
}

impl Setting<'_> {
    /// Takes a new value, or says what is wrong with it and what is allowed.
    pub(super) fn set(self, raw: Raw<'_>) -> Result<(), String> {
        match self {
            Self::Plain(field) => field.set(raw)?,
            Self::Number(field, range) => {
                let number = within(raw, &range)?;
                field
                    .set(number)
                    .ok_or_else(|| format!("{number} is too large for this machine"))?;
            }
            Self::Millis(field, range) => *field = Duration::from_millis(within(raw, &range)?),
            Self::Seconds(field, range) => *field = Duration::from_secs(within(raw, &range)?),
            Self::Micros(field, range) => *field = Duration::from_micros(within(raw, &range)?),
        }
        Ok(())
    }

    /// The value as it is written in a file, secrets masked. `None`: not set.
    pub(super) fn show(self) -> Option<Value> {
        let whole = |number: u128| Some(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        match self {
            Self::Plain(field) => field.show(),
            Self::Number(field, _) => whole(field.get().into()),
            Self::Millis(field, _) => whole(field.as_millis()),
            Self::Seconds(field, _) => whole(field.as_secs().into()),
            Self::Micros(field, _) => whole(field.as_micros()),
        }
    }
}

fn within(raw: Raw<'_>, range: &RangeInclusive<u64>) -> Result<u64, String> {
    let number = raw.number()?;
    if range.contains(&number) {
        return Ok(number);
    }
    Err(format!(
        "{number} is not allowed: {} to {}",
        range.start(),
        range.end()
    ))
}

/// A type of whole number.
pub(super) trait Number {
    /// `None` when the type cannot hold it.
    fn set(&mut self, number: u64) -> Option<()>;
    fn get(&self) -> u64;
}

impl Number for u32 {
    fn set(&mut self, number: u64) -> Option<()> {
        *self = number.try_into().ok()?;
        Some(())
    }

    fn get(&self) -> u64 {
        (*self).into()
    }
}

impl Number for usize {
    fn set(&mut self, number: u64) -> Option<()> {
        *self = number.try_into().ok()?;
        Some(())
    }

    fn get(&self) -> u64 {
        *self as u64
    }
}

/// Zero is off.
impl Number for Option<NonZeroU32> {
    fn set(&mut self, number: u64) -> Option<()> {
        *self = NonZeroU32::new(number.try_into().ok()?);
        Some(())
    }

    fn get(&self) -> u64 {
        self.map_or(0, |number| number.get().into())
    }
}

/// What needs no bounds.
pub(super) trait Plain {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String>;
    fn show(&self) -> Option<Value>;
}

/// A type that is written as one text.
pub(super) trait Word: Sized {
    fn read(text: &str) -> Result<Self, String>;
    /// Secrets masked.
    fn write(&self) -> String;
}

impl Word for String {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("may not be empty".into())
        } else {
            Ok(text.into())
        }
    }

    fn write(&self) -> String {
        self.clone()
    }
}

impl<T: Word> Plain for T {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        *self = T::read(raw.text()?)?;
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        Some(Value::String(self.write()))
    }
}

impl<T: Word> Plain for Option<T> {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        *self = Some(T::read(raw.text()?)?);
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        self.as_ref().and_then(Plain::show)
    }
}

/// The mistakes of all entries are told together.
impl<T: Word> Plain for Vec<T> {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        let (read, wrong): (Vec<_>, Vec<_>) = raw
            .list()?
            .into_iter()
            .map(T::read)
            .partition(Result::is_ok);
        if !wrong.is_empty() {
            let wrong: Vec<_> = wrong.into_iter().filter_map(Result::err).collect();
            return Err(wrong.join("; "));
        }
        *self = read.into_iter().flatten().collect();
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(Plain::show).collect()))
    }
}

impl Plain for bool {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        *self = raw.flag()?;
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Boolean(*self))
    }
}
