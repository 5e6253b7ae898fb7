"""The issuer's publisher: what the chart makes of its values, and that it is apart from the webhook."""

import unittest

import program
from chart import CHART, CI, Rendered, arguments, helm, notes, refusal, selects

# The least that it needs.
ON = "issuer.enabled=true,issuer.url=https://oidc.example.com/prod,issuer.to=s3://irsa-prod/prod"
NAME = "webhook-pod-identity-webhook-issuer"
MOUNTED = (
    "issuer.volumes[0].name=www,issuer.volumes[0].persistentVolumeClaim.claimName=www",
    "issuer.volumeMounts[0].name=www,issuer.volumeMounts[0].mountPath=/srv/www",
)


def issuer(*sets, **rest):
    return Rendered(ON, *sets, **rest).issuer


class OfTheRelease(unittest.TestCase):
    def test_is_not_there_by_default(self):
        self.assertEqual(Rendered().issuer.kinds(), [])
        self.assertNotIn("issuer", notes())

    def test_changes_nothing_of_the_webhooks_where_it_is_there(self):
        for values in CI:
            with_it, without = (Rendered(*sets, values=values) for sets in ((ON,), ()))
            self.assertEqual(with_it.objects, without.objects, values)
            self.assertEqual(with_it.agent.objects, without.agent.objects, values)

    def test_makes_these_objects_and_gives_no_right(self):
        self.assertEqual(issuer().kinds(), ["Deployment", "ServiceAccount"])
        without = issuer("issuer.serviceAccount.create=false")
        self.assertEqual(without.kinds(), ["Deployment"])
        self.assertEqual(without.pod["spec"]["serviceAccountName"], "default")
        named = issuer("issuer.serviceAccount.name=publisher,issuer.serviceAccount.annotations.a=b")
        self.assertEqual(named.pod["spec"]["serviceAccountName"], "publisher")
        self.assertEqual(named.ServiceAccount["metadata"]["name"], "publisher")
        self.assertEqual(named.ServiceAccount["metadata"]["annotations"], {"a": "b"})
        for one in issuer().objects:
            self.assertEqual((one["metadata"]["name"], one["metadata"]["namespace"]), (NAME, "eks"))

    def test_has_names_that_kubernetes_takes_where_the_releases_is_long(self):
        long = Rendered(ON, release="a" * 53, namespace="n" * 63).issuer
        for one in long.objects:
            self.assertLessEqual(len(one["metadata"]["name"]), 63)
            for value in one["metadata"]["labels"].values():
                self.assertLessEqual(len(value), 63)

    def test_lints_without_a_warning_and_is_told_of(self):
        for sets in ((ON,), (ON, "issuer.to=/srv/www", *MOUNTED)):
            result = helm("lint", "--strict", CHART, *arguments(*sets))
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        said = notes(ON)
        self.assertIn("documents are published at s3://irsa-prod/prod", said)
        self.assertIn(f"logs deployment/{NAME}", said)
        self.assertIn("issuer check --issuer=https://oidc.example.com/prod", said)


class Selectors(unittest.TestCase):
    NAMES = ("", "issuer", "x-issuer", "a" * 56 + "-issuer", "a" * 63, "publisher")

    def test_find_the_publishers_pod_alone(self):
        agent = "agent.enabled=true,sources.eksClusterName=prod,associations.enabled=true"
        for name in self.NAMES:
            release = Rendered(ON, agent, "networkPolicy.enabled=true", f"nameOverride={name}")
            pods = [one.pod["metadata"]["labels"] for one in (release, release.agent, release.issuer)]
            selectors = [
                release.Deployment["spec"]["selector"],
                release.agent.DaemonSet["spec"]["selector"],
                release.issuer.Deployment["spec"]["selector"],
            ]
            for i, selector in enumerate(selectors):
                found = [selects(selector, labels) for labels in pods]
                self.assertEqual(found, [i == j for j in range(3)], name)
            service = {"matchLabels": release.Service["spec"]["selector"]}
            policy = release.NetworkPolicy["spec"]["podSelector"]
            for selector in (service, policy):
                self.assertFalse(selects(selector, pods[2]), name)

    def test_leave_the_pod_to_the_webhook_so_that_it_may_have_its_role(self):
        release = Rendered(ON)
        labels = release.issuer.pod["metadata"]["labels"]
        selector = release.webhook.get("objectSelector") or {}
        self.assertTrue(selects(selector, labels))
        self.assertFalse(selects(selector, release.pod["metadata"]["labels"]))


class Arguments(unittest.TestCase):
    def test_are_those_of_the_values(self):
        every = (
            "issuer.apiServers={https://10.0.0.1:6443,https://10.0.0.2:6443}",
            "issuer.keys={/keys/next.pub},issuer.keysPath=keys.json,issuer.retention=48h",
            "issuer.interval=5m,issuer.maxAge=10m,log.format=json,issuer.extraArgs={--s3-path-style}",
            "issuer.volumes[0].name=keys,issuer.volumes[0].secret.secretName=keys",
            "issuer.volumeMounts[0].name=keys,issuer.volumeMounts[0].mountPath=/keys",
        )
        expected = [
            "issuer",
            "publish",
            "--issuer=https://oidc.example.com/prod",
            "--to=s3://irsa-prod/prod",
            "--api-server=https://10.0.0.1:6443",
            "--api-server=https://10.0.0.2:6443",
            "--keys=/keys/next.pub",
            "--keys-path=keys.json",
            "--retention=48h",
            "--max-age=10m",
            "--watch",
            "--interval=5m",
            "--log-format=json",
            "--s3-path-style",
        ]
        self.assertEqual(issuer(*every).container["args"], expected)
        known = program.publish_flags()
        self.assertEqual({arg.partition("=")[0].removeprefix("--") for arg in expected[2:]} - known, set())
        least = [*expected[:4], "--from-api-server", "--watch", "--log-format=text"]
        self.assertEqual(issuer().container["args"], least)

    def test_leave_where_credentials_come_from_to_the_user(self):
        self.assertNotIn("env", issuer().container)
        sets = ("issuer.region=eu-west-1", "issuer.envFrom[0].secretRef.name=publisher", "issuer.extraEnv[0].name=A")
        container = issuer(*sets).container
        self.assertEqual(container["env"], [{"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "A"}])
        self.assertEqual(container["envFrom"], [{"secretRef": {"name": "publisher"}}])


class Pod(unittest.TestCase):
    def test_may_do_no_more_than_the_webhooks(self):
        release = Rendered(ON)
        for name in ("image", "imagePullPolicy", "securityContext"):
            self.assertEqual(release.issuer.container[name], release.container[name])
        spec = release.issuer.pod["spec"]
        self.assertEqual(spec["securityContext"], release.pod["spec"]["securityContext"])
        self.assertTrue(release.issuer.container["securityContext"]["readOnlyRootFilesystem"])
        self.assertNotIn("hostNetwork", spec)
        own = issuer("issuer.podSecurityContext.fsGroup=1000").pod["spec"]["securityContext"]
        self.assertEqual(own, {"fsGroup": 1000})

    def test_reads_the_api_servers_keys_as_its_account_one_at_a_time(self):
        made = issuer()
        spec = made.pod["spec"]
        self.assertTrue(spec["automountServiceAccountToken"])
        self.assertEqual(spec["serviceAccountName"], made.ServiceAccount["metadata"]["name"])
        self.assertFalse(made.ServiceAccount["automountServiceAccountToken"])
        # A volume may let only one pod have it.
        self.assertEqual((made.Deployment["spec"]["replicas"], made.Deployment["spec"]["strategy"]), (1, {"type": "Recreate"}))

    def test_has_the_volumes_that_are_named(self):
        folder = Rendered(ON, "issuer.to=/srv/www", *MOUNTED).issuer
        self.assertEqual(folder.container["volumeMounts"], [{"name": "www", "mountPath": "/srv/www"}])
        self.assertEqual(folder.pod["spec"]["volumes"][0]["name"], "www")

    def test_is_where_the_values_want_it(self):
        sets = (
            "issuer.nodeSelector.a=b,issuer.tolerations[0].operator=Exists,issuer.priorityClassName=high",
            "issuer.podAnnotations.c=d,issuer.podLabels.e=f",
        )
        pod = issuer(*sets).pod
        self.assertEqual(pod["spec"]["nodeSelector"], {"a": "b", "kubernetes.io/os": "linux"})
        self.assertEqual(pod["spec"]["tolerations"], [{"operator": "Exists"}])
        self.assertEqual(pod["spec"]["priorityClassName"], "high")
        self.assertEqual(pod["metadata"]["annotations"], {"c": "d"})
        self.assertEqual(pod["metadata"]["labels"]["e"], "f")


class Refusals(unittest.TestCase):
    def test_say_what_is_missing(self):
        for sets, said in [
            ("issuer.enabled=true", "issuer.enabled needs issuer.url"),
            ("issuer.enabled=true,issuer.url=https://a.example", "issuer.enabled needs issuer.to"),
            (ON + ",issuer.to=/srv/www", "issuer.to is the folder /srv/www, and no volume is mounted"),
            (ON + ",issuer.keys={/keys/next.pub}", "issuer.keys names files, and no volume is mounted"),
        ]:
            self.assertIn(said, refusal(sets))


if __name__ == "__main__":
    unittest.main()
