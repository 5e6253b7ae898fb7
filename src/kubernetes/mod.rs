//! The Kubernetes API: a client that notices a dead connection, failures in words, how a set of objects
//! is followed, and which kinds are served.

mod access;
mod answer;
mod anyone;
mod authorization;
mod client;
mod collection;
mod connector;
mod credentials;
mod discovery;
mod document;
mod environment;
mod error;
mod events;
mod follow;
mod kubeconfig;
mod list;
mod list_watch;
mod pace;
mod plugin;
mod pods;
mod proxy;
mod renewed;
mod settings;
mod tls;
mod user_cluster;

pub use access::InPodError;
pub use answer::{ConnectionChoice, service_account};
pub(crate) use answer::{object, text};
pub(crate) use client::IDLE_CONNECTIONS;
pub use client::{ClientError, client};
pub use collection::Collection;
pub use discovery::served;
pub use document::{Address, Document};
pub(crate) use error::chain;
pub use error::{ApiError, WatchError, describe};
pub use follow::{Follow, News};
pub use kubeconfig::KubeconfigError;
pub use list::list;
pub use list_watch::{Change, ListWatch, Progress};
pub use pace::{BACKOFF, jittered};
pub use pods::{ServicePod, ServicePods, proxied, service_pods};
pub use proxy::ProxyError;
pub use settings::{Cluster, Settings};
pub use user_cluster::{Environment, UserCluster, UserClusterError, UserClusterSettings};
