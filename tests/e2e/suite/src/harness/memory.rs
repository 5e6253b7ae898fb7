//! What a replica's container has used of the memory that it may use, by its cgroup.

use anyhow::{Context, Result};

use super::Cluster;
use super::replica::Replica;

/// Limit and use, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// The memory above which the kernel ends the container.
    pub limit: u64,
    /// The most that there ever was, the files' cache included.
    pub peak: u64,
}

/// In the node: limit and peak of a container, by either version of cgroups.
const READ: &str = r#"
process=$(ctr -n k8s.io tasks ls | awk -v id="$1" '$1 == id { print $2 }')
path=$(awk -F: '$2 ~ /(^|,)memory(,|$)/ { print $3 }' "/proc/$process/cgroup")
if [ -n "$path" ]; then
    cd "/sys/fs/cgroup/memory$path" && cat memory.limit_in_bytes memory.max_usage_in_bytes
else
    path=$(awk -F: '$1 == 0 { print $3 }' "/proc/$process/cgroup")
    cd "/sys/fs/cgroup$path" && cat memory.max memory.peak
fi
"#;

impl Memory {
    /// The memory of a replica that runs; the cluster's provider must be able to look into its node.
    pub async fn of(cluster: &Cluster, replica: &Replica) -> Result<Self> {
        let container = replica.container().context("no container of containerd's")?;
        let printed = cluster.verb(&["run", "sh", "-euc", READ, "sh", container]).await?;
        let mut numbers = printed.lines().map(str::parse);
        let mut next = || numbers.next().context("a cgroup without numbers")?.context("no number");
        Ok(Self { limit: next()?, peak: next()? })
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} MiB", self.peak >> 20, self.limit >> 20)
    }
}
