use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

/// What a shell prints; openssl is the reference.
fn sh(script: &str, input: &[u8]) -> String {
    let mut child = Command::new("sh")
        .args(["-euc", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap()
}

const GENERATE: [(&str, &str); 4] = [
    ("RS256", "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
    ("ES256", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    ("ES384", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
    ("ES512", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
];

fn kids(pem: &str) -> Vec<String> {
    let keys = read(pem.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{pem}"));
    keys.iter().map(|key| key.kid().unwrap().to_owned()).collect()
}

#[test]
fn every_form_of_a_key_is_the_key_that_openssl_says_it_is() {
    for (algorithm, generate) in GENERATE {
        let key = sh(generate, b"");
        let kid = sh(
            "openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | basenc --base64url | tr -d '=\\n'",
            key.as_bytes(),
        );
        let mut forms = vec![
            "cat",
            "openssl pkey -pubout",
            "openssl pkey -traditional",
            "cat > /dev/null; printf '%s' \"$KEY\" | openssl req -x509 -new -key /dev/stdin -subj /CN=x -days 1",
        ];
        if algorithm == "RS256" {
            forms.push("openssl rsa -RSAPublicKey_out");
        } else {
            // Without the public key, which may be left out; and with the curve's parameters before it.
            forms.push("openssl ec -no_public");
            forms.push("openssl ec -param_out");
        }
        for form in forms {
            let pem = if form.contains("req -x509") {
                sh(
                    "T=$(mktemp); cat > $T; openssl req -x509 -new -key $T -subj /CN=x -days 1; rm $T",
                    key.as_bytes(),
                )
            } else {
                sh(form, key.as_bytes())
            };
            if form.ends_with("-param_out") {
                let with_key = format!("{pem}{}", sh("openssl pkey -traditional", key.as_bytes()));
                assert_eq!(kids(&with_key), [kid.as_str()], "{algorithm} {form}");
                continue;
            }
            assert_eq!(kids(&pem), [kid.as_str()], "{algorithm} {form}");
            let read = read(pem.as_bytes()).unwrap();
            assert_eq!(read[0].algorithm().as_str(), algorithm);
            // Nothing of a private key is written.
            assert!(read[0].to_json().len() < 600 && !read[0].to_json().contains("\"d\""));
        }
    }
}

#[test]
fn several_keys_of_a_file_are_read_in_its_order_with_text_between_them() {
    let one = sh(GENERATE[1].1, b"");
    let other = sh("openssl ecparam -genkey -name secp384r1 -noout | openssl pkey -pubout", b"");
    let file = format!("Bag Attributes\n  a: b\n{one}\r\n# the old one\n{}", other.replace('\n', "\r\n"));
    assert_eq!(kids(&file), [kids(&one), kids(&other)].concat());
}

/// Of many keys the id is that of the DER that openssl makes, one process for all.
#[test]
fn the_ids_of_a_thousand_keys_are_the_digests_of_openssl_s_der() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let folder = tempfile::TempDir::new().unwrap();
    let mut all = String::new();
    for index in 0..1000 {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        // Its whole line is longer than openssl reads: 64 characters a line, as it writes.
        let lines: Vec<_> =
            der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let wrapped = pem.replace(&der, &lines.join("\n"));
        std::fs::write(folder.path().join(format!("{index:04}.key")), &wrapped).unwrap();
        all.push_str(&wrapped);
    }
    let script = format!(
        "cd {}; for key in *.key; do openssl pkey -in $key -pubout -outform DER -out $key.der; done; sha256sum *.der",
        folder.path().display()
    );
    let digests: Vec<String> = sh(&script, b"")
        .lines()
        .map(|line| {
            let bytes: Vec<u8> = (0..32)
                .map(|index| u8::from_str_radix(&line[index * 2..index * 2 + 2], 16).unwrap())
                .collect();
            URL_SAFE_NO_PAD.encode(bytes)
        })
        .collect();
    assert_eq!(digests.len(), 1000);
    assert_eq!(kids(&all), digests);
}

#[track_caller]
fn refused(pem: &str, said: &str) {
    let error = read(pem.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(said), "{error}\n{said}");
}

#[test]
fn what_is_no_key_is_refused_with_what_to_do() {
    let key = sh(GENERATE[1].1, b"");
    refused("", "it has no PEM, which begins with '-----BEGIN'; it is empty");
    refused("{\"keys\":[]}", "it looks like JSON");
    refused("ssh-rsa AAAA", "ssh-keygen");
    refused("0\u{1}", "it looks like DER");
    refused("junk", "is it the right file?");
    refused(
        "-----BEGIN X-----\n-----END X-----\n",
        "it has no key: expected PUBLIC KEY, a private key or CERTIFICATE, and it has X",
    );
    refused(
        key.split("-----END").next().unwrap(),
        "the PRIVATE KEY of line 1 has no line '-----END PRIVATE KEY-----'",
    );
    refused(&key.replace("\nM", "\n*"), "the PRIVATE KEY of line 1 is not base64");
    refused(&key.replace("PRIVATE", "PUBLIC"), "the PUBLIC KEY of line 1 holds something else");
    refused(&format!("\n{}", key.replace("PRIVATE KEY", "CERTIFICATE")), "the CERTIFICATE of line 2 holds");
    refused(
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "OpenSSH's own form",
    );
}

#[test]
fn keys_that_no_api_server_signs_with_are_refused_by_their_line() {
    let small = sh("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", b"");
    for form in ["cat", "openssl pkey -pubout", "openssl pkey -traditional"] {
        refused(&sh(form, small.as_bytes()), "the key of line 1 cannot be used: it has fewer than 2048 bits");
    }
    let edwards = sh("openssl genpkey -algorithm ED25519", b"");
    for form in ["cat", "openssl pkey -pubout"] {
        refused(&sh(form, edwards.as_bytes()), "it is neither an RSA key nor one of an elliptic curve");
    }
    let curve = sh("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", b"");
    for form in ["cat", "openssl pkey -pubout", "openssl pkey -traditional"] {
        refused(&sh(form, curve.as_bytes()), "it is of another curve than P-256, P-384 and P-521");
    }
    let good = sh(GENERATE[2].1, b"");
    refused(&format!("{good}{small}"), &format!("the key of line {} ", good.lines().count() + 1));
}

#[test]
fn an_encrypted_key_is_refused_in_either_form() {
    let key = sh(GENERATE[0].1, b"");
    for form in ["openssl pkey -aes128 -passout pass:x", "openssl rsa -traditional -aes128 -passout pass:x"] {
        refused(&sh(form, key.as_bytes()), "the private key of line 1 is encrypted");
    }
}
