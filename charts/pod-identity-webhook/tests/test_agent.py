"""The agent: what the chart makes of its values, what it may do, and that it is apart from the webhook."""

import itertools
import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

import chart
import program
from chart import CHART, CI, Rendered, arguments, flags, helm, notes, refusal, selects
from test_gitops import snippet

# The least that it needs.
ON = "agent.enabled=true,sources.eksClusterName=prod"
OWN = "associations.enabled=true"
EKS = "agent.upstream=eks-auth"
POLICY = "injection.rolePolicy.configMap=policy"
FILE = "sources.associationFile.configMap=associations"
MONITOR = "agent.serviceMonitor.enabled=true"
NAME = "webhook-pod-identity-webhook-agent"
OBJECTS = ["ClusterRole", "ClusterRoleBinding", "DaemonSet", "ServiceAccount"]


def agent(*sets, **rest):
    """That of a release with associations of the cluster's own."""
    return Rendered(ON, OWN, *sets, **rest).agent


class OfTheRelease(unittest.TestCase):
    def test_is_not_there_by_default(self):
        self.assertEqual(Rendered().agent.kinds(), [])
        self.assertNotIn("agent", notes())

    def test_leaves_what_is_the_webhooks_as_it_is_byte_for_byte(self):
        # What the chart would make if the agent had never been written, of what users have set already.
        with tempfile.TemporaryDirectory() as folder:
            without = pathlib.Path(folder, "chart")
            shutil.copytree(CHART, without, ignore=shutil.ignore_patterns("tests", "agent"))
            for values in CI:
                off = ("agent.enabled=false",)
                given = ("--namespace", "eks", *chart.POLICIES, *arguments(*off, values=values))
                made, expected = (helm("template", "webhook", path, *given).stdout for path in (CHART, without))
                self.assertGreater(len(expected), 1000)
                # The chart's test is left out of the copy.
                made = "".join(one for one in documents(made) if "/templates/tests/" not in one)
                self.assertEqual(made, expected, values)

    def test_changes_nothing_of_the_webhooks_where_it_is_there(self):
        for values in CI:
            on = ("agent.enabled=true,agent.clusterName=prod,agent.upstream=eks-auth", "agent.associations=null")
            on += ("agent.credentialDuration=",)
            with_it, without = (Rendered(*sets, values=values) for sets in (on, ("agent.enabled=false",)))
            self.assertEqual(with_it.objects, without.objects, values)
            self.assertEqual(set(OBJECTS) - set(with_it.agent.kinds()), set())

    def test_makes_these_objects_and_no_others(self):
        self.assertEqual(agent().kinds(), OBJECTS)
        self.assertEqual(agent(MONITOR).kinds(), sorted([*OBJECTS, "Service", "ServiceMonitor"]))
        self.assertEqual(agent("rbac.create=false").kinds(), ["DaemonSet", "ServiceAccount"])
        without = agent("agent.serviceAccount.create=false")
        self.assertEqual(without.kinds(), ["ClusterRole", "ClusterRoleBinding", "DaemonSet"])
        self.assertEqual(without.pod["spec"]["serviceAccountName"], "default")

    def test_has_the_names_of_the_release_and_a_word_more(self):
        namespaced, cluster = {NAME}, {"webhook-pod-identity-webhook.eks.agent"}
        for one in agent(MONITOR).objects:
            is_the_clusters = one["kind"].startswith("ClusterRole")
            self.assertEqual(one["metadata"].get("namespace"), None if is_the_clusters else "eks")
            self.assertIn(one["metadata"]["name"], cluster if is_the_clusters else namespaced)

    def test_shares_no_name_of_the_cluster_with_another_release(self):
        places = [("webhook", "a"), ("webhook", "b"), ("other", "a"), (NAME, "a")]
        # Those of users' roles are of a value of their own.
        sets = (ON, OWN, "associations.roles.create=false")
        names = []
        for release, namespace in places:
            made = Rendered(*sets, release=release, namespace=namespace)
            names += [
                (one["kind"], one["metadata"]["name"])
                for one in made.objects + made.agent.objects
                if one["kind"] in ("ClusterRole", "ClusterRoleBinding")
            ]
        self.assertEqual(len(names), 16)
        self.assertEqual(len(set(names)), len(names))

    def test_has_names_that_kubernetes_takes_where_the_releases_is_long(self):
        long = Rendered(ON, OWN, MONITOR, release="a." + "long-" * 10 + "x", namespace="n" * 63)
        self.assertRegex(long.agent.Service["metadata"]["name"], r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])$")
        self.assertNotEqual(long.agent.Service["metadata"]["name"], long.Service["metadata"]["name"])
        for one in long.agent.objects:
            self.assertLessEqual(len(one["metadata"]["name"]), 253)
            for value in one["metadata"]["labels"].values():
                self.assertLessEqual(len(value), 63)

    def test_is_told_of(self):
        said = notes(ON, OWN)
        self.assertIn(f"kubectl -n default rollout status daemonset/{NAME}", said)
        self.assertIn("NOTE: the agent's pods have no priority", said)
        self.assertNotIn("have no priority", notes(ON, OWN, "agent.priorityClassName=system-node-critical"))

    def test_lints_without_a_warning(self):
        for sets in ((ON, OWN), (ON, EKS), (ON, OWN, POLICY, FILE, MONITOR)):
            result = helm("lint", "--strict", CHART, *arguments(*sets))
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Selectors(unittest.TestCase):
    """Those of the webhook and of the agent have no pod, and no Service, in common."""

    NAMES = ("", "agent", "x-agent", "a" * 57 + "-agent", "a" * 63, "a" * 57, "node")

    def test_find_the_agents_pods_alone_and_never_the_webhooks(self):
        for name, values in itertools.product(self.NAMES, (None, "agent")):
            sets = (ON, OWN, MONITOR, "serviceMonitor.enabled=true,networkPolicy.enabled=true", f"nameOverride={name}")
            release = Rendered(*sets, values=values)
            of_agent, of_webhook = (one["metadata"]["labels"] for one in (release.agent.pod, release.pod))
            ours = [release.agent.DaemonSet["spec"]["selector"], {"matchLabels": release.agent.Service["spec"]["selector"]}]
            theirs = [
                release.Deployment["spec"]["selector"],
                release.PodDisruptionBudget["spec"]["selector"],
                release.NetworkPolicy["spec"]["podSelector"],
                {"matchLabels": release.Service["spec"]["selector"]},
            ]
            theirs += [one["labelSelector"] for one in release.pod["spec"]["topologySpreadConstraints"]]
            for selector in ours:
                self.assertTrue(selects(selector, of_agent), name)
                self.assertFalse(selects(selector, of_webhook), name)
            for selector in theirs:
                self.assertFalse(selects(selector, of_agent), name)
                self.assertTrue(selects(selector, of_webhook), name)

    def test_of_monitors_find_their_own_service(self):
        release = Rendered(ON, OWN, MONITOR, "serviceMonitor.enabled=true")
        services = {"agent": release.agent.Service, "webhook": release.Service}
        for name, monitor in (("agent", release.agent.ServiceMonitor), ("webhook", release.ServiceMonitor)):
            found = [key for key, one in services.items() if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
            self.assertEqual(found, [name])

    def test_are_not_changed_by_labels_of_users(self):
        labels = agent().pod["metadata"]["labels"]
        theirs = Rendered().Deployment["spec"]["selector"]
        sets = []
        for key in {*labels, *theirs["matchLabels"]}:
            value = theirs["matchLabels"].get(key, "x")
            sets += [f"{where}.{key.replace('.', chr(92) + '.')}={value}" for where in ("agent.podLabels", "commonLabels")]
        made = agent(*sets)
        self.assertEqual(made.pod["metadata"]["labels"], labels)
        self.assertEqual(made.DaemonSet["spec"]["selector"], agent().DaemonSet["spec"]["selector"])

    def test_of_the_registration_keep_its_pods_out(self):
        # Also in a namespace that requires an identity: nobody gives the agent one.
        release = Rendered(ON, OWN)
        labels = release.agent.pod["metadata"]["labels"]
        self.assertFalse(selects(release.webhook["objectSelector"], labels))
        (own,) = [key for key in labels if key.endswith("/own")]
        self.assertEqual({own: labels[own]}.items() & release.pod["metadata"]["labels"].items(), {(own, "true")})


class Pod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = agent()
        cls.spec = cls.agent.pod["spec"]

    def test_declares_no_port(self):
        # With hostNetwork it would be one of the node's, on every address of it.
        for values in (None, "agent"):
            for container in (made := agent(values=values)).pod["spec"]["containers"] + made.pod["spec"]["initContainers"]:
                self.assertNotIn("ports", container)
            self.assertNotIn("containerPort", yaml.safe_dump(made.objects))

    def test_is_on_the_nodes_network_with_the_clusters_dns(self):
        self.assertEqual((self.spec["hostNetwork"], self.spec["dnsPolicy"]), (True, "ClusterFirstWithHostNet"))
        self.assertFalse({"hostPID", "hostIPC"} & set(self.spec))

    def test_mounts_nothing_of_the_node(self):
        made = agent(POLICY, FILE)
        self.assertEqual({kind for one in made.pod["spec"]["volumes"] for kind in one}, {"name", "configMap", "emptyDir"})

    def test_has_one_capability_and_is_root_for_its_sake(self):
        context = {"runAsNonRoot": False, "runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
        for container, capability in ((self.agent.container, "NET_BIND_SERVICE"), (self.agent.initialize, "NET_ADMIN")):
            expected = context | {"capabilities": {"drop": ["ALL"], "add": [capability]}}
            self.assertEqual(container["securityContext"], expected)
        self.assertEqual(self.spec["securityContext"], {"seccompProfile": {"type": "RuntimeDefault"}})

    def test_has_an_init_container_that_is_privileged_only_if_it_is_said(self):
        made = agent("agent.initialize.privileged=true")
        # The API server takes neither of the others beside it.
        expected = {"runAsNonRoot": False, "runAsUser": 0, "privileged": True, "readOnlyRootFilesystem": True}
        self.assertEqual(made.initialize["securityContext"], expected)
        self.assertEqual(made.container["securityContext"], self.agent.container["securityContext"])
        self.assertNotIn("initContainers", agent("agent.initialize.enabled=false").pod["spec"])

    def test_initializes_the_node_first(self):
        self.assertEqual(self.agent.initialize["args"], ["agent", "initialize"])
        made = agent("agent.initialize.linkType=bridge")
        self.assertEqual(made.initialize["args"], ["agent", "initialize", "--link-type=bridge"])
        for container in (self.agent.initialize, self.agent.container):
            self.assertEqual(container["image"], Rendered().container["image"])
            self.assertEqual(container["resources"]["limits"], {"memory": "256Mi"})
            self.assertEqual(container["resources"]["requests"], {"cpu": "10m", "memory": "32Mi"})

    def test_is_probed_in_its_own_container_for_two_may_share_the_addresses(self):
        def probe(question, initial, failures):
            asked = {"command": ["/pod-identity-webhook", "agent", "probe", question, "--file=/run/agent/agent"]}
            return {"exec": asked, "initialDelaySeconds": initial, "timeoutSeconds": 10, "failureThreshold": failures}

        self.assertEqual(self.agent.container["livenessProbe"], probe("live", 30, 3))
        self.assertEqual(self.agent.container["readinessProbe"], probe("ready", 1, 30))
        self.assertEqual(self.agent.flags()["handover-file"], "/run/agent/agent")
        self.assertNotIn("probe-port", self.agent.flags())
        self.assertEqual(self.agent.container["volumeMounts"], [{"name": "run", "mountPath": "/run/agent"}])
        volume = {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
        self.assertEqual(self.spec["volumes"], [volume])

    def test_has_a_second_agent_if_it_is_said(self):
        def seen(container):
            file = flags(container["args"][1:])["handover-file"]
            return container["name"], file, container["readinessProbe"]["exec"]["command"][-1]

        pair = agent("agent.standby=true").pod["spec"]["containers"]
        self.assertEqual(seen(pair[0]), ("agent", "/run/agent/agent", "--file=/run/agent/agent"))
        self.assertEqual(seen(pair[1]), ("standby", "/run/agent/standby", "--file=/run/agent/standby"))
        for container in pair:
            self.assertIn("--standby-lock=/run/agent/lock", container["args"])
            self.assertEqual(container["volumeMounts"], [{"name": "run", "mountPath": "/run/agent"}])
        self.assertNotIn("standby-lock", self.agent.flags())
        self.assertEqual(len(self.spec["containers"]), 1)

    def test_is_probed_as_awss_is_where_it_hands_nothing_over(self):
        def probe(path, initial, failures):
            asked = {"host": "127.0.0.1", "path": path, "port": 2703}
            return {"httpGet": asked, "initialDelaySeconds": initial, "timeoutSeconds": 10, "failureThreshold": failures}

        alone = agent("agent.handover=false")
        self.assertEqual(alone.container["livenessProbe"], probe("/healthz", 30, 3))
        self.assertEqual(alone.container["readinessProbe"], probe("/readyz", 1, 30))
        self.assertEqual(alone.flags()["probe-port"], "2703")
        self.assertNotIn("handover-file", alone.flags())
        self.assertNotIn("volumes", alone.pod["spec"])

    def test_runs_on_every_node_that_has_no_agent(self):
        self.assertEqual(self.spec["tolerations"], [{"operator": "Exists"}])
        self.assertEqual(self.spec["nodeSelector"], {"kubernetes.io/os": "linux"})
        expression = {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate", "auto"]}
        required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
        self.assertEqual(self.spec["affinity"], {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})

    def test_is_replaced_on_a_tenth_of_the_nodes_at_a_time(self):
        beside = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "10%", "maxUnavailable": 0}}
        self.assertEqual(self.agent.DaemonSet["spec"]["updateStrategy"], beside)
        after = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}
        alone = agent("agent.handover=false")
        self.assertEqual(alone.DaemonSet["spec"]["updateStrategy"], after)
        self.assertEqual(self.spec["terminationGracePeriodSeconds"], 30)

    def test_is_critical_in_kube_system_alone_unless_it_is_said(self):
        self.assertNotIn("priorityClassName", self.spec)
        self.assertEqual(agent(namespace="kube-system").pod["spec"]["priorityClassName"], "system-node-critical")
        said = agent("agent.priorityClassName=high", namespace="kube-system")
        self.assertEqual(said.pod["spec"]["priorityClassName"], "high")

    def test_knows_its_node_and_its_region(self):
        node = {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
        self.assertEqual(self.agent.container["env"], [node])
        more = "agent.extraEnv[0].name=HTTPS_PROXY,agent.extraEnv[0].value=http://p:1"
        expected = [node, {"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "HTTPS_PROXY", "value": "http://p:1"}]
        self.assertEqual(agent("agent.region=eu-west-1", more).container["env"], expected)

    def test_has_an_account_of_its_own_whose_token_only_its_own_pods_mount(self):
        account = self.agent.ServiceAccount
        self.assertEqual(account["metadata"]["name"], self.spec["serviceAccountName"])
        self.assertNotEqual(account["metadata"]["name"], Rendered().ServiceAccount["metadata"]["name"])
        self.assertIs(account["automountServiceAccountToken"], False)
        self.assertIs(self.spec["automountServiceAccountToken"], True)
        self.assertIs(self.spec["enableServiceLinks"], False)


class Values(unittest.TestCase):
    """Those of ci/agent-values.yaml, all of which are in use there."""

    @classmethod
    def setUpClass(cls):
        cls.agent = Rendered(values="agent").agent
        cls.values = yaml.safe_load(CI["agent"].read_text())
        cls.spec = cls.agent.pod["spec"]

    def test_are_all_there(self):
        known = yaml.safe_load((CHART / "values.yaml").read_text())["agent"]
        for key, value in known.items():
            self.assertIn(key, self.values["agent"])
            if key in ("cache", "initialize", "serviceAccount", "serviceMonitor"):
                self.assertEqual(set(value), set(self.values["agent"][key]), key)

    def test_are_seen_in_the_arguments(self):
        expected = {
            "cluster-name": "edge",
            "upstream": "web-identity",
            "probe-port": "12703",
            "metrics-port": "12705",
            "bind-hosts": "169.254.170.23,fd00:ec2::23",
            "endpoint": "https://sts.example.com",
            "watch-association-resources": "ack,own,crossplane",
            "watch-container-credentials-config": "/etc/webhook/associations/associations.json",
            "role-policy": "/etc/webhook/role-policy/policy.json",
            "role-policy-mode": "warn",
            "credential-duration": "30m",
            "audience": "sts.amazonaws.com",
            "issuer": "https://old-issuer.example.com",
            "verify-node": "false",
            "startup-taint": "pod-identity-webhook.dev/agent-not-ready",
            "max-requests-per-second": "2000",
            "max-cache-size": "5000",
            "max-credential-retention-before-renewal": "20m",
            "max-service-qps": "10",
            "verbosity": "debug",
            "log-format": "text",
            "kube-api": "https://10.0.0.1:6443",
        }
        self.assertEqual(self.agent.flags(), expected)
        issuers = [one for one in self.agent.container["args"] if one.startswith("--issuer=")]
        self.assertEqual(issuers, [f"--issuer={issuer}" for issuer in self.values["agent"]["issuers"]])
        self.assertEqual(self.agent.container["args"][-1], "--kube-api=https://10.0.0.1:6443")

    def test_are_seen_in_the_pod(self):
        given = self.values["agent"]
        for key in ("tolerations", "nodeSelector", "affinity", "priorityClassName"):
            self.assertEqual(self.spec[key], given[key], key)
        self.assertEqual(self.agent.DaemonSet["spec"]["updateStrategy"], given["updateStrategy"])
        self.assertEqual(self.agent.container["resources"], given["resources"])
        self.assertEqual(self.agent.initialize["resources"], given["resources"])
        self.assertEqual(self.agent.pod["metadata"]["annotations"], given["podAnnotations"])
        self.assertLessEqual(given["podLabels"].items(), self.agent.pod["metadata"]["labels"].items())
        self.assertIn("--link-type=bridge", self.agent.initialize["args"])
        variables = {one["name"]: one.get("value") for one in self.agent.container["env"]}
        proxy = "http://proxy.example.com:3128"
        self.assertEqual(variables, {"NODE_NAME": None, "AWS_REGION": "eu-west-1", "HTTPS_PROXY": proxy})
        for probe in ("livenessProbe", "readinessProbe"):
            self.assertEqual(self.agent.container[probe]["httpGet"]["port"], 12703)

    def test_are_seen_in_the_account(self):
        account = self.agent.ServiceAccount
        self.assertEqual(account["metadata"]["name"], "aws-identity-agent")
        self.assertEqual(account["metadata"]["annotations"], {"example.com/owner": "platform"})
        self.assertEqual(self.spec["serviceAccountName"], "aws-identity-agent")
        (subject,) = self.agent.ClusterRoleBinding["subjects"]
        self.assertEqual(subject["name"], "aws-identity-agent")

    def test_are_seen_where_it_is_monitored(self):
        monitor, service = self.agent.ServiceMonitor, self.agent.Service["spec"]
        (endpoint,) = monitor["spec"]["endpoints"]
        given = self.values["agent"]["serviceMonitor"]
        self.assertEqual(monitor["metadata"]["labels"]["release"], "prometheus")
        expected = {"port": "metrics", "path": "/metrics", "interval": "15s", "metricRelabelings": given["metricRelabelings"]}
        expected["relabelings"] = [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}]
        self.assertEqual(endpoint, expected)
        self.assertEqual(monitor["spec"]["namespaceSelector"], {"matchNames": ["eks"]})
        # No name of a port in the pod: it declares none.
        port = {"name": "metrics", "port": 12705, "targetPort": 12705, "protocol": "TCP"}
        self.assertEqual((service["ports"], service["clusterIP"]), ([port], "None"))
        self.assertIs(service["publishNotReadyAddresses"], True)

    def test_are_those_of_the_release_where_it_is_about_labels_and_the_image(self):
        for one in self.agent.objects:
            self.assertEqual(one["metadata"]["labels"]["example.com/team"], "platform")
        self.assertEqual(self.agent.pod["metadata"]["labels"]["example.com/team"], "platform")
        sets = ("image.repository=r.example.com/x,image.tag=v2,image.pullPolicy=Always", "imagePullSecrets[0].name=registry")
        made = agent(*sets)
        for container in (made.container, made.initialize):
            self.assertEqual((container["image"], container["imagePullPolicy"]), ("r.example.com/x:v2", "Always"))
        self.assertEqual(made.pod["spec"]["imagePullSecrets"], [{"name": "registry"}])


class Arguments(unittest.TestCase):
    def test_leave_defaults_to_the_program_and_name_what_is_the_charts_own(self):
        expected = {
            "cluster-name": "prod",
            "upstream": "web-identity",
            "handover-file": "/run/agent/agent",
            "metrics-port": "2705",
            "watch-association-resources": "own",
            "log-format": "text",
        }
        self.assertEqual(agent().flags(), expected)

    def test_of_eks_auth_say_nothing_of_associations(self):
        flags = Rendered(ON, EKS, OWN, POLICY, FILE).agent.flags()
        expected = {"cluster-name": "prod", "upstream": "eks-auth", "metrics-port": "2705", "log-format": "text"}
        self.assertEqual(flags, expected | {"handover-file": "/run/agent/agent"})

    def test_are_flags_that_the_program_has(self):
        serve, initialize = program.agent_flags()
        for release in (Rendered(values="agent").agent, agent(), Rendered(ON, EKS).agent):
            self.assertLessEqual(set(release.flags()), serve)
        command = Rendered(values="agent").agent.initialize["args"]
        self.assertEqual(command[:2], ["agent", "initialize"])
        self.assertLessEqual(set(chart.flags(command[2:])), initialize)

    def test_have_every_flag_that_makes_sense(self):
        elsewhere = {
            # What the chart decides, or a variable says.
            "port", "node-name", "region",
            # Without effect, or of use outside a cluster: extraArgs takes them.
            "metrics-address", "rotate-credentials", "kubeconfig",
        }  # fmt: skip
        serve, _ = program.agent_flags()
        pair = agent("agent.standby=true").pod["spec"]["containers"]
        passed = set(Rendered(values="agent").agent.flags()) | set(flags(pair[1]["args"][1:]))
        self.assertEqual(serve - elsewhere - passed, set())

    def test_have_the_name_of_the_cluster_and_the_audience_of_the_webhook_unless_they_are_said(self):
        self.assertEqual(agent("agent.clusterName=edge").flags()["cluster-name"], "edge")
        audience = "injection.containerCredentials.audience=sts.example.com"
        self.assertEqual(agent(audience).flags()["audience"], "sts.example.com")
        self.assertEqual(agent(audience, "agent.audience=other").flags()["audience"], "other")

    def test_take_zero_for_a_value_where_it_is_one(self):
        self.assertEqual(agent("agent.cache.size=0").flags()["max-cache-size"], "0")

    def test_have_numbers_of_files_as_whole_ones(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("agent: {cache: {size: 4000000}, maxRequestsPerSecond: 9000000}\n")
            file.flush()
            made = helm("template", "webhook", CHART, *arguments(ON, OWN), "--values", file.name)
        self.assertIn("--max-cache-size=4000000\n", made.stdout)
        self.assertIn("--max-requests-per-second=9000000\n", made.stdout)

    def test_have_the_form_of_the_webhooks_log(self):
        self.assertEqual(agent("log.format=json").flags()["log-format"], "json")

    def test_follow_what_the_webhook_follows_unless_it_is_said(self):
        def followed(*sets):
            return Rendered(ON, *sets).agent.flags()["watch-association-resources"]

        controllers = "sources.associationResources.controllers={crossplane,ack}"
        self.assertEqual(followed(OWN), "own")
        self.assertEqual(followed(controllers), "crossplane,ack")
        self.assertEqual(followed(OWN, controllers), "own,crossplane,ack")
        self.assertEqual(followed(OWN, controllers, "agent.associations={ack,own}"), "ack,own")
        self.assertEqual(followed("agent.associations={own}"), "own")
        # Said, because the program's default is another.
        self.assertEqual(followed(FILE), "")
        self.assertEqual(followed(FILE, OWN, "agent.associations=[]"), "")


def without_run(volumes):
    """Volumes or mounts but the handover's, which is the agent's alone."""
    return [one for one in volumes if one["name"] != "run"]


class Files(unittest.TestCase):
    def test_are_the_webhooks_own_at_the_same_place(self):
        for sets, flag in ((POLICY, "role-policy"), (FILE, "watch-container-credentials-config")):
            release = Rendered(ON, OWN, sets)
            self.assertEqual(release.agent.flags()[flag], release.flags()[flag])
            self.assertEqual(without_run(release.agent.pod["spec"]["volumes"]), release.pod["spec"]["volumes"])
            self.assertEqual(without_run(release.agent.container["volumeMounts"]), release.container["volumeMounts"])
            self.assertNotIn("volumeMounts", release.agent.initialize)

    def test_are_each_there_by_its_own_value(self):
        both = Rendered(ON, OWN, POLICY, FILE)
        self.assertEqual(without_run(both.agent.pod["spec"]["volumes"]), both.pod["spec"]["volumes"])
        self.assertEqual(without_run(both.agent.container["volumeMounts"]), both.container["volumeMounts"])
        self.assertEqual(without_run(agent().pod["spec"]["volumes"]), [])
        self.assertEqual(without_run(agent().container["volumeMounts"]), [])

    def test_have_one_mode_for_both(self):
        for mode in ("enforce", "warn"):
            release = Rendered(ON, OWN, POLICY, f"injection.rolePolicy.mode={mode}")
            self.assertEqual(release.agent.flags()["role-policy-mode"], mode)
            self.assertEqual(release.flags()["role-policy-mode"], mode)

    def test_are_not_there_where_eks_decides(self):
        made = Rendered(ON, EKS, POLICY, FILE).agent
        self.assertEqual(without_run(made.pod["spec"]["volumes"]), [])
        self.assertEqual(without_run(made.container["volumeMounts"]), [])


class Rights(unittest.TestCase):
    ALWAYS = [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    ]
    GROUPS = {"own": "pod-identity-webhook.dev", "ack": "eks.services.k8s.aws", "crossplane": "eks.aws.m.upbound.io"}

    def test_are_these_and_no_others_with_each_combination_of_sources(self):
        combinations = [named for count in range(4) for named in itertools.combinations(self.GROUPS, count)]
        self.assertEqual(len(combinations), 8)
        for named, any_namespace in itertools.product(combinations, ("true", "false")):
            of_controllers = f"sources.associationResources.ownNamespaceOnly={any_namespace}"
            for_the_agent = (f"agent.associations={listed(named)}",)
            controllers = listed([one for one in named if one != "own"])
            for_both = (f"associations.enabled={str('own' in named).lower()}",)
            for_both += (f"sources.associationResources.controllers={controllers}",)
            for sets in (for_the_agent, for_both):
                made = Rendered(ON, FILE, of_controllers, *sets).agent
                groups = [self.GROUPS[one] for one in named]
                rule = {"apiGroups": groups, "resources": ["podidentityassociations"], "verbs": ["list", "watch"]}
                self.assertEqual(made.ClusterRole["rules"], self.ALWAYS + ([rule] if named else []), sets)

    def test_are_the_least_where_eks_knows_the_associations(self):
        for sets in ((), (OWN,), ("sources.associationResources.controllers={ack,crossplane}",)):
            self.assertEqual(Rendered(ON, EKS, *sets).agent.ClusterRole["rules"], self.ALWAYS)

    def test_reach_nodes_only_where_a_startup_taint_is_to_be_removed(self):
        rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "patch"]}
        for sets in ((OWN,), (EKS,)):
            usual = Rendered(ON, *sets).agent.ClusterRole["rules"]
            self.assertNotIn("nodes", str(usual))
            tainted = Rendered(ON, *sets, "agent.startupTaint=example.com/agent-not-ready").agent
            self.assertEqual(tainted.ClusterRole["rules"], self.ALWAYS + [rule] + usual[len(self.ALWAYS) :])
            self.assertEqual(tainted.flags()["startup-taint"], "example.com/agent-not-ready")

    def test_are_bound_to_its_own_account(self):
        made = agent()
        role, binding = made.ClusterRole, made.ClusterRoleBinding
        expected = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]}
        self.assertEqual(binding["roleRef"], expected)
        account = {"kind": "ServiceAccount", "name": made.pod["spec"]["serviceAccountName"], "namespace": "eks"}
        self.assertEqual(binding["subjects"], [account])

    def test_leave_the_webhooks_to_the_webhook(self):
        release = Rendered(ON, OWN)
        binding = release.ClusterRoleBinding
        self.assertEqual(binding["subjects"][0]["name"], release.ServiceAccount["metadata"]["name"])
        self.assertNotEqual(release.cluster_role["metadata"]["name"], release.agent.ClusterRole["metadata"]["name"])


class Readme(unittest.TestCase):
    def test_lets_pods_reach_the_agent_where_egress_is_limited(self):
        (rule,) = snippet("Of a NetworkPolicy")["egress"]
        cidrs = [one["ipBlock"]["cidr"] for one in rule["to"]]
        self.assertEqual(cidrs, ["169.254.170.23/32", "fd00:ec2::23/128"])
        self.assertEqual(rule["ports"], [{"port": 80, "protocol": "TCP"}])

    def test_has_values_that_install_it(self):
        section = (CHART / "README.md").read_text().partition("\n## The agent\n")[2].partition("\n## ")[0]
        sets = re.findall(r"--set (\S+)", section)
        self.assertEqual(len(sets), 2)
        self.assertEqual(Rendered(*sets).agent.kinds(), OBJECTS)


class Refusals(unittest.TestCase):
    def test_of_an_agent_without_the_clusters_name(self):
        self.assertIn("agent.enabled needs agent.clusterName or sources.eksClusterName", refusal("agent.enabled=true", OWN))
        for name in ("agent.clusterName=prod", "sources.eksClusterName=prod"):
            self.assertTrue(Rendered("agent.enabled=true", OWN, name).agent.kinds())

    def test_of_one_that_follows_no_associations(self):
        for sets in ((), ("agent.upstream=web-identity",), ("agent.associations=[]", OWN), ("sources.configMap.enabled=true",)):
            said = refusal(ON, *sets)
            self.assertIn("agent.enabled needs associations to go by", said)
            self.assertIn("associations.enabled", said)
        named = ("agent.associations={own}", "sources.associationResources.controllers={ack}", FILE, OWN, EKS)
        for sets in named:
            self.assertTrue(Rendered(ON, sets).agent.kinds(), sets)

    def test_of_a_startup_taint_that_is_more_than_a_key(self):
        for wrong in ("example.com/agent:NoSchedule", "a=b", "a/b/c", "/agent", "-agent", "a b"):
            self.assertIn("/agent/startupTaint", refusal(ON, OWN, f"agent.startupTaint={wrong}"), wrong)

    def test_of_values_that_have_no_effect_with_eks_auth(self):
        for key, value in (("associations", "{own}"), ("credentialDuration", "2h")):
            said = refusal(ON, EKS, f"agent.{key}={value}")
            self.assertIn(f"agent.{key} has no effect with agent.upstream=eks-auth", said)

    def test_of_two_agents_at_a_time_that_cannot_share_a_node(self):
        surge = "agent.updateStrategy.rollingUpdate.maxSurge=1"
        self.assertIn("maxSurge needs agent.handover=true", refusal(ON, OWN, surge, "agent.handover=false"))
        agent(surge, "agent.updateStrategy.rollingUpdate.maxUnavailable=0")
        agent("agent.updateStrategy.rollingUpdate.maxSurge=0%", "agent.handover=false")

    def test_of_a_second_agent_that_could_not_have_the_addresses(self):
        self.assertIn("agent.standby needs agent.handover=true", refusal(ON, OWN, "agent.standby=true", "agent.handover=false"))

    def test_of_an_agent_with_the_values_of_an_older_chart(self):
        # As --reuse-values brings them along.
        known = yaml.safe_load((CHART / "values.yaml").read_text())["agent"]
        missing = [f"agent.{key}=null" for key in known if key != "enabled"]
        self.assertIn("use --reset-then-reuse-values", refusal(ON, OWN, *missing))

    def test_are_of_an_agent_that_is_wanted(self):
        self.assertEqual(Rendered("agent.associations=[]", EKS, "agent.credentialDuration=2h").agent.kinds(), [])


def listed(names):
    """A list of values, as on a command line."""
    return f"{{{','.join(names)}}}" if names else "[]"


def documents(text):
    """The documents of what `helm template` prints, which together are that."""
    first, *others = text.split("---\n# Source: ")
    return [first, *(f"---\n# Source: {one}" for one in others)]


if __name__ == "__main__":
    unittest.main()
