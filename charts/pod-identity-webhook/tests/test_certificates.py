"""The three ways to a serving certificate, of which a release has one."""

import base64
import unittest

from chart import AUTHORITY, SECRET, Rendered, notes, refusal

CERT_MANAGER = "certificate.certManager.enabled=true"
INJECTED = "cert-manager.io/inject-ca-from"


def bundles(release):
    """The caBundle of each entry, None where it has none."""
    return [one["clientConfig"].get("caBundle") for one in release.MutatingWebhookConfiguration["webhooks"]]


class SelfManaged(unittest.TestCase):
    """What is installed without any values: the program makes its certificates itself."""

    def test_writes_neither_the_authority_nor_who_is_trusted(self):
        release = Rendered()
        # No `data` at all: an upgrade would otherwise bring it back to what it says.
        self.assertEqual(set(release.Secret), {"apiVersion", "kind", "metadata", "type"})
        self.assertEqual(set(bundles(release)), {None})
        self.assertNotIn("annotations", release.Secret["metadata"])

    def test_needs_no_volume(self):
        release = Rendered()
        self.assertNotIn("volumes", release.pod["spec"])
        self.assertNotIn("volumeMounts", release.container)

    def test_has_periods_of_users_and_leaves_others_to_the_program(self):
        flags = Rendered("certificate.selfManaged.certificateLifetime=1h30m").flags()
        self.assertEqual(flags["certificate-lifetime"], "1h30m")
        self.assertFalse({"authority-lifetime", "rotation-wait"} & set(flags))

    def test_of_two_releases_keeps_apart_what_they_may_change(self):
        def may_change(**rest):
            release = Rendered(**rest)
            rules = release.ClusterRole["rules"] + release.Role["rules"]
            names = [name for rule in rules if "update" in rule["verbs"] for name in rule["resourceNames"]]
            self.assertEqual(len(names), 2)
            return {(release.Role["metadata"]["namespace"], name) for name in names}

        self.assertFalse(may_change(release="a") & may_change(release="b"))
        self.assertFalse(may_change(namespace="a") & may_change(namespace="b"))


class ExistingSecret(unittest.TestCase):
    def test_is_used_where_its_name_or_its_authority_is_given(self):
        for sets, authority, name in ((SECRET, AUTHORITY, "serving"), ((), AUTHORITY, "webhook-pod-identity-webhook-tls")):
            release = Rendered(*sets, authority=authority)
            (volume,) = release.pod["spec"]["volumes"]
            self.assertEqual(volume["secret"]["secretName"], name)
            self.assertEqual(set(bundles(release)), {base64.b64encode(AUTHORITY.read_bytes()).decode()})
            self.assertEqual(release.flags()["in-cluster"], "false")

    def test_gives_the_program_no_right_to_change_anything(self):
        release = Rendered(*SECRET, authority=AUTHORITY)
        self.assertFalse({"Secret", "Role", "RoleBinding"} & set(release.kinds()))
        self.assertEqual([rule["resources"] for rule in release.ClusterRole["rules"]], [["serviceaccounts"]])
        for flag in ("certificates", "tls-secret", "service-name", "webhook-configuration"):
            self.assertNotIn(flag, release.flags())

    def test_has_no_periods(self):
        for key in ("authorityLifetime", "certificateLifetime", "rotationWait"):
            said = refusal(f"certificate.selfManaged.{key}=24h", *SECRET, authority=AUTHORITY)
            self.assertIn(f"certificate.selfManaged.{key} has no effect", said)
            self.assertIn("a Secret that you made", said)


class CertManager(unittest.TestCase):
    """Fields are those of https://cert-manager.io/docs/reference/api-docs/."""

    def of(self, *sets, **rest):
        release = Rendered(CERT_MANAGER, *sets, **rest)
        made = [one for one in release.objects if one["apiVersion"] == "cert-manager.io/v1"]
        for one in made:
            self.assertEqual(one["metadata"]["namespace"], "eks")
        return release, {(one["kind"], one["metadata"]["name"]): one["spec"] for one in made}

    def test_makes_an_authority_and_a_certificate_that_is_not_its_own_authority(self):
        release, made = self.of()
        name = release.Service["metadata"]["name"]
        own = {"group": "cert-manager.io", "kind": "Issuer"}
        kinds = [("Issuer", f"{name}-self-signed"), ("Certificate", f"{name}-ca"), ("Issuer", f"{name}-ca"), ("Certificate", name)]
        self.assertEqual(sorted(made), sorted(kinds))
        self.assertEqual(made[kinds[0]], {"selfSigned": {}})
        authority = made[kinds[1]]
        self.assertIs(authority["isCA"], True)
        self.assertEqual(authority["issuerRef"], own | {"name": f"{name}-self-signed"})
        # A renewed authority with another key would be an outage until everybody has heard of it.
        self.assertEqual(authority["privateKey"], {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"})
        self.assertEqual(made[kinds[2]], {"ca": {"secretName": authority["secretName"]}})
        self.assertEqual(made[kinds[3]]["issuerRef"], own | {"name": f"{name}-ca"})

    def test_makes_the_certificate_that_the_pods_mount_for_the_name_that_the_api_server_calls(self):
        release, made = self.of()
        service = release.Service["metadata"]
        spec = made["Certificate", service["name"]]
        self.assertEqual(spec["dnsNames"][0], f"{service['name']}.{service['namespace']}.svc")
        (volume,) = release.pod["spec"]["volumes"]
        self.assertEqual(spec["secretName"], volume["secret"]["secretName"])
        self.assertEqual((spec["privateKey"]["algorithm"], spec["privateKey"]["size"]), ("ECDSA", 256))
        self.assertNotIn("isCA", spec)
        self.assertEqual((spec["duration"], spec["renewBefore"]), ("2160h", "720h"))

    def test_has_the_caBundles_injected_and_writes_none(self):
        release, made = self.of("webhook.annotations.a=b")
        registration = release.MutatingWebhookConfiguration
        name = release.Service["metadata"]["name"]
        self.assertEqual(registration["metadata"]["annotations"], {INJECTED: f"eks/{name}", "a": "b"})
        self.assertIn(("Certificate", name), made)
        self.assertEqual(set(bundles(release)), {None})
        self.assertNotIn("annotations", Rendered().MutatingWebhookConfiguration["metadata"])

    def test_uses_an_issuer_of_users_and_then_makes_no_authority(self):
        _, made = self.of(values="cert-manager")
        ((key, spec),) = made.items()
        self.assertEqual(key[0], "Certificate")
        self.assertEqual(spec["issuerRef"], {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "internal"})
        self.assertEqual((spec["duration"], spec["renewBefore"]), ("720h", "240h"))
        key = "certificate.certManager.issuerRef"
        _, made = self.of(f"{key}.name=x,{key}.kind=AWSPCAClusterIssuer,{key}.group=awspca.cert-manager.io")
        (spec,) = made.values()
        self.assertEqual(spec["issuerRef"], {"group": "awspca.cert-manager.io", "kind": "AWSPCAClusterIssuer", "name": "x"})

    def test_gives_the_program_no_right_to_change_anything(self):
        release, _ = self.of()
        self.assertFalse({"Secret", "Role", "RoleBinding"} & set(release.kinds()))
        self.assertEqual(len(release.ClusterRole["rules"]), 1)

    def test_is_not_mixed_with_another_way(self):
        for sets, authority in ((SECRET, None), ((), AUTHORITY)):
            said = refusal(CERT_MANAGER, *sets, authority=authority)
            self.assertIn("leave certificate.secretName and certificate.caBundle empty", said)
        said = refusal(CERT_MANAGER, "certificate.selfManaged.rotationWait=1m")
        self.assertIn("certificate.selfManaged.rotationWait has no effect", said)
        self.assertIn("cert-manager (certificate.certManager)", said)
        for key, value in (("kind", "ClusterIssuer"), ("group", "awspca.cert-manager.io")):
            said = refusal(CERT_MANAGER, f"certificate.certManager.issuerRef.{key}={value}")
            self.assertIn("certificate.certManager.issuerRef has a kind or a group, and no name", said)

    def test_has_one_source_of_the_caBundles(self):
        annotation = r"webhook.annotations.cert-manager\.io/inject-ca-from=eks/other"
        self.assertIn("which the chart writes itself", refusal(CERT_MANAGER, annotation))
        # Whoever keeps a Certificate of their own in the Secret may have its authority injected.
        release = Rendered(annotation, *SECRET, authority=AUTHORITY)
        self.assertEqual(release.MutatingWebhookConfiguration["metadata"]["annotations"], {INJECTED: "eks/other"})

    def test_is_renewed_before_its_end(self):
        key = "certificate.certManager"
        for sets in (f"{key}.duration=720h", f"{key}.renewBefore=2160h", f"{key}.duration=24h,{key}.renewBefore=25h"):
            said = refusal(CERT_MANAGER, sets)
            self.assertIn("renewBefore has to be less", said)
        for sets in (f"{key}.duration=721h", f"{key}.duration=100h,{key}.renewBefore=99h", f"{key}.renewBefore=90m"):
            self.of(sets)

    def test_has_names_that_x509_takes(self):
        _, made = self.of("fullnameOverride=" + "n" * 63)
        (authority,) = [spec for spec in made.values() if spec.get("isCA")]
        self.assertLessEqual(len(authority["commonName"]), 64)


class Notes(unittest.TestCase):
    def test_say_where_the_certificate_comes_from(self):
        self.assertIn("Secret webhook-pod-identity-webhook-authority", notes())
        self.assertIn("Secret serving must be for", notes(*SECRET, authority=AUTHORITY))
        said = notes(CERT_MANAGER)
        self.assertIn("certificate/webhook-pod-identity-webhook", said)
        self.assertNotIn("must be for", said + notes())


if __name__ == "__main__":
    unittest.main()
