//! The binary as its clients, its operators and the other nodes meet it: real processes, real sockets, a real Redis.
//!
//! One module for each thing that can go right or wrong. Nothing here sleeps for a fixed time: a test waits for what it
//! wants to see, or for something that comes after what it does not want to see.

mod addresses;
mod attacks;
mod away_bytes;
mod bad_frames;
mod bad_messages;
mod bad_resumes;
mod bad_senders;
mod crowds;
mod dialects;
mod doors;
mod drain;
mod engineio;
mod expiry;
mod formats;
mod frozen_node;
mod handshake;
mod hidden;
mod https;
mod ice_servers;
mod issuers;
mod killed_node;
mod limits;
mod limits_by_dialect;
mod logs;
mod media;
mod metrics;
mod msgpack;
mod odd_records;
mod origins;
mod other_servers;
mod outsiders;
mod pages;
mod proxy_protocol;
mod race;
mod redis_absent;
mod redis_lost;
mod redis_refuses;
mod resume;
mod revocations;
mod sdk_files;
mod silence;
mod slow_receiver;
mod span_export;
mod stderr;
mod support;
mod tls;
mod tokens;
mod traces;
mod truth;
mod two_nodes;
mod wrong_tokens;
