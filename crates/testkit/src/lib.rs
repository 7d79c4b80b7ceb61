//! What several crates' tests need from outside: real Redis processes that can be killed, frozen and brought back.
//!
//! Everything here panics with a sentence when it cannot do its work: a test that needs Redis fails without it, it never
//! skips.

mod redis_server;

pub use redis_server::RedisServer;
