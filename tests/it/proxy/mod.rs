//! The proxy, through the real program: real clients, real brokers, and peers of the tests' own that behave badly.
//!
//! `HOPTRAIL_TEST_BROKERS` names the releases of RabbitMQ to test with, as for `tests/it`; `scripts/clients` has to have
//! installed the clients.

mod channels;
mod conversations;
mod ends;
mod frames;
mod mistakes;
mod pressure;

mod amqp;
mod lapin;
mod pipe;
mod proxied;
mod stage;
mod talk;
mod transcript;
