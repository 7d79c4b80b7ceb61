//! Real Redis and gateway processes for the tests of several crates: they can be killed, frozen and started again.
//!
//! Everything here panics with a sentence when it fails: a test that needs Redis fails without one and is never
//! skipped. How a process is started, logs and ends is in `switchboard_local`, which reports errors instead.

pub mod attacks;
mod buckets;
mod certificates;
mod cpu_time;
mod frozen;
mod gateway_process;
mod haproxy_front;
mod issuer;
mod listening;
mod redis_cluster;
mod redis_process;
mod redis_sentinel;
mod redis_server;
mod resp;
mod slow_proxy;
mod small_pipe;
mod tls_tunnel;
pub mod tokens;
mod wait;

pub use certificates::Certificates;
pub use cpu_time::cpu_time;
pub use gateway_process::GatewayProcess;
pub use haproxy_front::{HaproxyFront, Tells};
pub use issuer::{FakeIssuer, Manner};
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use redis_server::RedisServer;
pub use slow_proxy::SlowProxy;
pub use small_pipe::small_pipe;
pub use tls_tunnel::TlsTunnel;
