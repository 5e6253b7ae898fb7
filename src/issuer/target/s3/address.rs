//! Where an object of S3 is: the bucket in the name of the host, or in the path.

/// The part of a bucket, and its URL. Names are of characters that a URL has as they are: flags are checked for it.
pub(super) struct Address {
    pub(super) bucket: String,
    pub(super) prefix: String,
    /// What stands before an object's key.
    base: String,
}

impl Address {
    pub(super) fn new(
        bucket: &str,
        prefix: &str,
        region: &str,
        endpoint: Option<&str>,
        is_path_style: bool,
    ) -> Self {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = match endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            // S3's certificate is for one label before its own name.
            None if is_path_style || bucket.contains('.') => format!("https://s3.{region}.{suffix}/{bucket}"),
            None => format!("https://{bucket}.s3.{region}.{suffix}"),
        };
        Self { bucket: bucket.to_owned(), prefix: prefix.to_owned(), base }
    }

    /// The key of what is at this path.
    pub(super) fn key(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// The URL of this key.
    pub(super) fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_in_the_host_s_name_unless_that_cannot_be() {
        for (bucket, prefix, region, endpoint, is_path_style, url) in [
            ("irsa", "", "eu-west-1", None, false, "https://irsa.s3.eu-west-1.amazonaws.com/a"),
            ("irsa", "p/q", "cn-north-1", None, false, "https://irsa.s3.cn-north-1.amazonaws.com.cn/p/q/a"),
            ("irsa", "", "us-east-1", None, true, "https://s3.us-east-1.amazonaws.com/irsa/a"),
            ("ir.sa", "p", "eu-west-1", None, false, "https://s3.eu-west-1.amazonaws.com/ir.sa/p/a"),
            ("irsa", "p", "eu-west-1", Some("http://127.0.0.1:1/"), false, "http://127.0.0.1:1/irsa/p/a"),
        ] {
            let address = Address::new(bucket, prefix, region, endpoint, is_path_style);
            assert_eq!(address.url(&address.key("a")), url);
        }
    }
}
