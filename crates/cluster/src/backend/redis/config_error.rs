//! What can be wrong with the configuration of Redis.

/// What is wrong with a [`RedisConfig`](super::config::RedisConfig). Never quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Another scheme, or none.
    #[error(
        "the Redis URL must begin with redis:// or rediss:// (TLS), redis-sentinel:// or rediss-sentinel://, \
         redis-cluster:// or rediss-cluster://"
    )]
    Scheme,
    /// The rest of the URL.
    #[error(
        "the Redis URL is not of the form {form} (percent-encode / ? # @ in a password): {what}"
    )]
    Url {
        /// An example with every part.
        form: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Something after the `?` that its scheme does not have.
    #[error(
        "the Redis URL has a parameter that its scheme does not know, or one without a value; it knows {known}"
    )]
    Parameter {
        /// Those it has.
        known: String,
    },
    /// A further node that is none.
    #[error("each node= of the Redis URL must be host:port")]
    Node,
    /// Sentinels watch masters by name.
    #[error("the Redis URL lacks the name of the master: ?sentinelServiceName=mymaster")]
    ServiceName,
    /// A cluster has the database 0 only.
    #[error("a Redis Cluster has no databases: leave out what follows the / in the Redis URL")]
    ClusterDatabase,
    /// Only one of the two files that go together.
    #[error("certFile and keyFile of the Redis URL go together")]
    HalfAnIdentity,
    /// It would change which part of a key decides its slot.
    #[error("the Redis key prefix must not contain {{ or }}")]
    KeyPrefix,
    /// Certificates for TLS.
    #[error("the connection to Redis cannot be set up: {0}")]
    Setup(String),
}
