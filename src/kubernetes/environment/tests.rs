//! What Go's own code says of the same servers and lists is the measure.

use super::*;

/// Values of `NO_PROXY`.
const LISTS: &[&str] = &[
    "",
    "*",
    "a,*",
    "example.com",
    ".example.com",
    "*.example.com",
    "EXAMPLE.COM",
    "example.com:443",
    "example.com:6443",
    ".example.com:443",
    "*.example.com:6443",
    "example.com:80",
    "10.0.0.0/8",
    "10.96.0.0/12",
    "10.1.2.3",
    "10.1.2.3:6443",
    "10.1.2.3:443",
    "10.1.2.*",
    "10.",
    "0.0.0.0/0",
    "fd00::/8",
    "fd00::1",
    "[fd00::1]",
    "[fd00::1]:6443",
    "[fd00::1]:443",
    " example.com , 10.0.0.0/8",
    "com",
    ":443",
    "10.0.0.0/33",
    "::/0",
    "example.com:",
    ".",
    "*example.com",
    "10.1.2.3/32",
    "ample.com",
    "::ffff:10.1.2.3",
    "kubernetes",
];

/// Servers, and the values with which Go reaches each directly: `golang.org/x/net/http/httpproxy` v0.61.0 was asked.
const DIRECT: &[(&str, &[&str])] = &[
    (
        "https://kubernetes.example.com",
        &[
            "*",
            "a,*",
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.COM",
            "example.com:443",
            ".example.com:443",
            " example.com , 10.0.0.0/8",
            "com",
            "example.com:",
        ],
    ),
    (
        "https://kubernetes.example.com:6443",
        &[
            "*",
            "a,*",
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.COM",
            "example.com:6443",
            "*.example.com:6443",
            " example.com , 10.0.0.0/8",
            "com",
            "example.com:",
        ],
    ),
    (
        "https://example.com",
        &[
            "*",
            "a,*",
            "example.com",
            "EXAMPLE.COM",
            "example.com:443",
            " example.com , 10.0.0.0/8",
            "com",
            "example.com:",
        ],
    ),
    ("https://notexample.com", &["*", "a,*", "com"]),
    (
        "https://EXAMPLE.com",
        &[
            "*",
            "a,*",
            "example.com",
            "EXAMPLE.COM",
            "example.com:443",
            " example.com , 10.0.0.0/8",
            "com",
            "example.com:",
        ],
    ),
    (
        "https://10.1.2.3:6443",
        &[
            "*",
            "a,*",
            "10.0.0.0/8",
            "10.1.2.3",
            "10.1.2.3:6443",
            "0.0.0.0/0",
            " example.com , 10.0.0.0/8",
            "10.1.2.3/32",
            "::ffff:10.1.2.3",
        ],
    ),
    (
        "https://10.96.0.1",
        &["*", "a,*", "10.0.0.0/8", "10.96.0.0/12", "0.0.0.0/0", " example.com , 10.0.0.0/8"],
    ),
    ("https://[fd00::1]:6443", &["*", "a,*", "fd00::/8", "fd00::1", "[fd00::1]:6443", "::/0"]),
    ("https://localhost:6443", LISTS),
    ("https://127.0.0.2", LISTS),
    ("https://[::1]:6443", LISTS),
    (
        "http://kubernetes.example.com",
        &[
            "*",
            "a,*",
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.COM",
            "example.com:80",
            " example.com , 10.0.0.0/8",
            "com",
            "example.com:",
        ],
    ),
    (
        "http://10.1.2.3",
        &[
            "*",
            "a,*",
            "10.0.0.0/8",
            "10.1.2.3",
            "0.0.0.0/0",
            " example.com , 10.0.0.0/8",
            "10.1.2.3/32",
            "::ffff:10.1.2.3",
        ],
    ),
    ("https://192.168.1.1", &["*", "a,*", "0.0.0.0/0"]),
];

fn from<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
}

fn found(server: &str, set: &[(&str, &str)]) -> Option<String> {
    let proxy = proxy(&server.parse().unwrap(), from(set)).unwrap();
    proxy.map(|proxy| proxy.url().to_string())
}

#[test]
fn exceptions_are_those_of_go() {
    for (server, direct) in DIRECT {
        for list in LISTS {
            let set = [("HTTPS_PROXY", "p:3128"), ("HTTP_PROXY", "p:3128"), ("NO_PROXY", list)];
            let is_direct = found(server, &set).is_none();
            assert_eq!(is_direct, direct.contains(list), "{server} with NO_PROXY={list}");
        }
    }
}

#[test]
fn the_name_in_small_letters_comes_first_and_the_scheme_chooses() {
    let both =
        [("https_proxy", "http://small"), ("HTTPS_PROXY", "http://large"), ("ALL_PROXY", "http://all")];
    assert_eq!(found("https://k", &both).unwrap(), "http://small:80/");
    assert_eq!(found("https://k", &both[1..]).unwrap(), "http://large:80/");
    assert_eq!(found("https://k", &both[2..]), None);
    assert_eq!(found("http://k", &both), None);
    assert_eq!(found("http://k", &[("HTTP_PROXY", "p:3128")]).unwrap(), "http://p:3128/");
    assert_eq!(found("https://k", &[("https_proxy", ""), ("HTTPS_PROXY", "p")]).unwrap(), "http://p:80/");
    let lists = [("HTTPS_PROXY", "p"), ("no_proxy", "a"), ("NO_PROXY", "b,10.0.0.0/8")];
    assert_eq!(found("https://a", &lists), None);
    assert_eq!(found("https://b", &lists).unwrap(), "http://p:80/");
    assert_eq!(found("https://10.0.0.1", &lists), None);
}

#[test]
fn a_value_that_is_no_proxy_is_named_and_not_quoted() {
    let refused = |url| {
        let set = [("HTTPS_PROXY", url)];
        proxy(&Uri::from_static("https://k"), from(&set)).unwrap_err().to_string()
    };
    assert!(refused("ftp://u:secret@p").starts_with("the variable HTTPS_PROXY begins with ftp://, "));
    let none = "the variable HTTPS_PROXY is not a URL such as http://proxy.example.com:3128";
    assert_eq!(refused("a b"), none);
    assert_eq!(refused("http://u:secret@"), none);
}
