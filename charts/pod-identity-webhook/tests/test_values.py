"""What single values do, and which are refused with which words."""

import base64
import pathlib
import tempfile
import unittest

import yaml

from chart import AUTHORITY, CHART, SECRET, Rendered, notes, refusal


class CaBundle(unittest.TestCase):
    def test_is_taken_as_pem_and_as_base64_alike(self):
        pem = Rendered(authority=AUTHORITY).webhook["clientConfig"]["caBundle"]
        text = base64.b64encode(AUTHORITY.read_bytes()).decode()
        folded = text[:70] + "\n" + text[70:] + "\n"
        self.assertEqual(with_bundle(folded).webhook["clientConfig"]["caBundle"], pem)
        self.assertEqual(base64.b64decode(pem), AUTHORITY.read_bytes())

    def test_holds_several_authorities(self):
        both = AUTHORITY.read_text() * 2
        bundle = with_bundle(both).webhook["clientConfig"]["caBundle"]
        self.assertEqual(base64.b64decode(bundle).decode(), both)

    def test_that_is_missing_is_said_in_one_line_with_what_to_do(self):
        said = refusal(*SECRET)
        (line,) = [line for line in said.splitlines() if "caBundle" in line]
        self.assertIn("certificate.caBundle is empty", line)
        self.assertIn("ca.crt of Secret default/serving", line)
        self.assertIn("--set-file certificate.caBundle=", line)

    def test_is_never_a_private_key(self):
        # In two parts: scanners for keys in sources are right to be simple.
        key = "-----BEGIN " + "PRIVATE KEY-----\nAAAA\n"
        self.assertIn("holds a private key", refused_bundle(AUTHORITY.read_text() + key))

    def test_that_is_no_certificate_is_refused(self):
        for junk in ("certs/ca.crt", "%%%", base64.b64encode(b"junk").decode()):
            self.assertIn("certificate.caBundle is no certificate", refused_bundle(junk))


class AssociationFile(unittest.TestCase):
    def test_is_read_from_a_config_map_that_need_not_be_there(self):
        release = Rendered("sources.associationFile.configMap=associations")
        (volume,) = [volume for volume in release.pod["spec"]["volumes"] if volume["name"] == "associations"]
        self.assertEqual(volume["configMap"], {"name": "associations", "optional": True})
        (mount,) = [mount for mount in release.container["volumeMounts"] if mount["name"] == "associations"]
        path = release.flags()["watch-container-credentials-config"]
        self.assertEqual(path, f"{mount['mountPath']}/identities.json")

    def test_has_a_name_and_a_key_that_kubernetes_takes(self):
        for value in ("configMap=Associations", "configMap=a/b", "key=", "key=a/b"):
            self.assertIn("associationFile", refusal(f"sources.associationFile.{value}"))


class Upgrade(unittest.TestCase):
    # What a release made with an older chart does not have, and --reuse-values does not bring.
    NEW = (
        "agent",
        "associations",
        "certificate.certManager",
        "certificate.clientCa",
        "certificate.selfManaged",
        "flowSchema",
        "dashboard",
        "injection.rolePolicy",
        "issuer",
        "networkPolicy.webhookFrom",
        "prometheusRule",
        "server.maxConnectionsPerPeer",
        "sources.lookupBurst",
        "sources.lookupRate",
        "webhook.validatingPolicy",
    )

    def test_takes_the_values_of_an_older_chart(self):
        for on in ("networkPolicy.enabled=false", "networkPolicy.enabled=true,sources.configMap.enabled=true"):
            old = [f"{key}=null" for key in self.NEW]
            # Where injection.rolePolicy was.
            old += ["webhook.rolePolicy.configMap=,webhook.rolePolicy.key=role-policy.yaml,webhook.rolePolicy.mode="]
            self.assertEqual(Rendered(on, *old).objects, Rendered(on).objects)
            self.assertEqual(notes(on, *old), notes(on))

    def test_needs_no_more_than_a_name_of_what_is_new(self):
        name = "certificate.clientCa.configMap=authorities"
        self.assertEqual(Rendered(name, "certificate.clientCa.key=null").objects, Rendered(name).objects)


class ClientCa(unittest.TestCase):
    def test_authorities_are_mounted_where_the_flag_looks(self):
        release = Rendered("certificate.clientCa.configMap=authorities")
        (volume,) = [volume for volume in release.pod["spec"]["volumes"] if volume["name"] == "client-ca"]
        self.assertEqual(volume["configMap"], {"name": "authorities"})
        (mount,) = [mount for mount in release.container["volumeMounts"] if mount["name"] == "client-ca"]
        self.assertTrue(mount["readOnly"] and "subPath" not in mount)
        self.assertEqual(release.flags()["client-ca-file"], f"{mount['mountPath']}/ca.crt")

    def test_any_client_may_call_without_authorities(self):
        release = Rendered()
        self.assertNotIn("client-ca-file", release.flags())
        self.assertNotIn("client-ca", [volume["name"] for volume in release.pod["spec"].get("volumes", [])])
        self.assertNotIn("max-connections-per-peer", release.flags())


class RolePolicy(unittest.TestCase):
    def test_is_read_from_a_config_map_that_must_be_there(self):
        release = Rendered("injection.rolePolicy.configMap=policy")
        (volume,) = [volume for volume in release.pod["spec"]["volumes"] if volume["name"] == "role-policy"]
        self.assertEqual(volume["configMap"], {"name": "policy"})
        (mount,) = [mount for mount in release.container["volumeMounts"] if mount["name"] == "role-policy"]
        self.assertNotIn("subPath", mount)
        flags = release.flags()
        self.assertEqual(flags["role-policy"], f"{mount['mountPath']}/role-policy.yaml")
        self.assertNotIn("role-policy-mode", flags)

    def test_is_absent_unless_it_is_asked_for(self):
        release = Rendered()
        self.assertFalse([flag for flag in release.flags() if flag.startswith("role-policy")])
        names = [volume["name"] for volume in release.pod["spec"].get("volumes", [])]
        self.assertNotIn("role-policy", names)

    def test_under_its_old_name_is_refused_with_the_new_one(self):
        for value in ("configMap=policy", "mode=warn"):
            self.assertIn("webhook.rolePolicy is now injection.rolePolicy", refusal(f"webhook.rolePolicy.{value}"))

    def test_has_a_name_a_key_and_a_mode_that_can_be_used(self):
        for value in ("configMap=Policy", "configMap=a/b", "key=", "key=a/b", "mode=off"):
            self.assertIn("rolePolicy", refusal(f"injection.rolePolicy.{value}"))

    def test_has_a_mode_only_where_there_is_a_policy(self):
        for mode in ("enforce", "warn"):
            self.assertIn("rolePolicy", refusal(f"injection.rolePolicy.mode={mode}"))


class Arguments(unittest.TestCase):
    def test_carry_every_value(self):
        flags = Rendered(values="everything").flags()
        expected = {
            "annotation-prefix": "iam.example.com",
            "aws-default-region": "eu-west-1",
            "sts-regional-endpoint": "true",
            "token-expiration": "4294967296",
            "compose-role-arn": "true",
            "aws-account-id": "012345678901",
            "aws-partition": "aws",
            "role-arn-validation": "enforce",
            "role-policy": "/etc/webhook/role-policy/policy.json",
            "role-policy-mode": "warn",
            "token-audience": "sts.example.com",
            "token-mount-path": "/var/run/irsa",
            "container-credentials-audience": "pods.example.com",
            "container-credentials-token-mount-path": "/var/run/pod-identity",
            "container-credentials-token-volume-name": "pod-identity",
            "container-credentials-token-path": "pod-identity/token",
            "container-credentials-full-uri": "http://[fd00:ec2::23]/v1/credentials",
            "no-agent-fallback": "true",
            "watch-container-credentials-config": "/etc/webhook/associations/associations.json",
            "ip-family": "auto",
            "bind-address": "0.0.0.0",
            "certificates": "self-managed",
            "service-name": "aws-identity",
            "tls-secret": "aws-identity-authority",
            "webhook-configuration": "aws-identity.eks",
            "authority-lifetime": "4380h",
            "certificate-lifetime": "12h",
            "rotation-wait": "90s",
            "port": "9443",
            "metrics-port": "9090",
            "shutdown-delay": "25s",
            "max-connections": "2000",
            "max-connections-per-peer": "0",
            "client-ca-file": "/etc/webhook/client-ca/authorities.crt",
            "max-request-memory": "128",
            "tls-min-version": "1.3",
            "tls-cipher-suites": "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384",
            "enable-debugging-handlers": "true",
            "watch-config-map": "true",
            "namespace": "eks",
            "watch-association-resources": "ack,crossplane,own",
            "eks-cluster-name": "prod",
            "watch-eks-api": "true",
            "association-resources-own-namespace-only": "false",
            "lookup-rate": "20",
            "lookup-burst": "40",
            "use-pending-associations": "true",
            "log-format": "json",
            "v": "4",
            "kube-api": "https://10.0.0.1:6443",
        }
        self.assertLessEqual(expected.items(), flags.items())

    def test_are_found_in_the_templates_by_their_names(self):
        template = (CHART / "templates" / "_args.tpl").read_text()
        for flag in Rendered("extraArgs=null", values="everything").flags():
            self.assertEqual(template.count(f"--{flag}="), 1, flag)

    def test_end_with_the_extra_ones(self):
        container = Rendered("extraArgs={--port=1,--max-connections=7}").container
        self.assertEqual(container["args"][-2:], ["--port=1", "--max-connections=7"])


class EksApi(unittest.TestCase):
    ON = "sources.eksApi.enabled=true,sources.eksClusterName=prod"

    def test_is_not_asked_because_of_a_name(self):
        release = Rendered("sources.eksClusterName=prod,sources.eksApi.region=eu-west-1")
        self.assertEqual(release.flags()["eks-cluster-name"], "prod")
        self.assertNotIn("watch-eks-api", release.flags())
        self.assertNotIn("env", release.container)

    def test_needs_the_clusters_name(self):
        said = refusal("sources.eksApi.enabled=true")
        self.assertIn("sources.eksApi.enabled needs sources.eksClusterName", said)

    def test_gets_its_region_and_further_variables(self):
        self.assertNotIn("env", Rendered(self.ON).container)
        region = {"name": "AWS_REGION", "value": "eu-west-1"}
        proxy = {"name": "HTTPS_PROXY", "value": "http://p:1"}
        sets = (self.ON, "sources.eksApi.region=eu-west-1", "extraEnv[0].name=HTTPS_PROXY,extraEnv[0].value=http://p:1")
        self.assertEqual(Rendered(*sets).container["env"], [region, proxy])
        self.assertEqual(Rendered(sets[2]).container["env"], [proxy])

    def test_is_let_through_a_network_policy(self):
        def egress(*sets):
            return Rendered("networkPolicy.enabled=true", *sets).NetworkPolicy["spec"]["egress"]

        (api_server,) = egress()
        aws, credentials, last = egress(self.ON)
        self.assertEqual(last, api_server)
        self.assertEqual([(port["port"], port["protocol"]) for port in aws["ports"]], [(53, "UDP"), (53, "TCP"), (443, "TCP")])
        self.assertNotIn("to", aws)
        cidrs = {peer["ipBlock"]["cidr"] for peer in credentials["to"]}
        self.assertLessEqual({"169.254.170.23/32", "fd00:ec2::23/128"}, cidrs)


class Image(unittest.TestCase):
    def test_is_of_the_charts_version_unless_said_otherwise(self):
        version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
        self.assertEqual(Rendered().container["image"], f"pod-identity-webhook:{version}")
        self.assertEqual(Rendered("image.repository=r.example.com/x,image.tag=v2").container["image"], "r.example.com/x:v2")

    def test_is_pinned_by_a_digest(self):
        digest = "sha256:" + "a" * 64
        self.assertEqual(Rendered(f"image.digest={digest}").container["image"], f"pod-identity-webhook@{digest}")
        self.assertEqual(
            Rendered(f"image.digest={digest},image.tag=v2").container["image"], f"pod-identity-webhook:v2@{digest}"
        )


class Labels(unittest.TestCase):
    def test_of_users_do_not_replace_those_that_objects_find_each_other_by(self):
        ours = Rendered().pod["metadata"]["labels"]
        sets = [f"{kind}.{key.replace('.', chr(92) + '.')}=x" for kind in ("podLabels", "commonLabels") for key in ours]
        release = Rendered(*sets)
        self.assertEqual(release.pod["metadata"]["labels"], ours)
        self.assertEqual(release.Service["spec"]["selector"], Rendered().Service["spec"]["selector"])

    def test_of_users_are_there(self):
        release = Rendered("podLabels.a=b,commonLabels.c=d")
        self.assertLessEqual({"a": "b", "c": "d"}.items(), release.pod["metadata"]["labels"].items())
        for one in release.objects:
            self.assertEqual(one["metadata"]["labels"]["c"], "d")


class Options(unittest.TestCase):
    def test_take_away_what_is_not_wanted(self):
        release = Rendered(
            "rbac.create=false,serviceAccount.create=false,podDisruptionBudget.enabled=false",
            "topologySpreadConstraints=null,flowSchema.enabled=false,webhook.validatingPolicy=false",
        )
        self.assertEqual(release.kinds(), ["Deployment", "MutatingWebhookConfiguration", "Secret", "Service"])
        self.assertEqual(release.pod["spec"]["serviceAccountName"], "default")
        self.assertNotIn("topologySpreadConstraints", release.pod["spec"])

    def test_leave_rights_to_others(self):
        release = Rendered("rbac.create=false,sources.configMap.enabled=true")
        self.assertEqual(release.flags()["watch-config-map"], "true")
        self.assertFalse([kind for kind in release.kinds() if "Role" in kind])

    def test_of_association_resources_have_no_effect_where_none_are_followed(self):
        plain = Rendered()
        release = Rendered("sources.associationResources.ownNamespaceOnly=false,sources.associationResources.usePending=true")
        self.assertEqual(release.container["args"], plain.container["args"])
        self.assertEqual(release.ClusterRole["rules"], plain.ClusterRole["rules"])

    def test_allow_to_read_the_resources_of_the_controllers_that_are_named(self):
        def groups(*sets):
            rules = Rendered(*sets).ClusterRole["rules"]
            return [rule["apiGroups"] for rule in rules if rule["resources"] == ["podidentityassociations"]]

        key = "sources.associationResources.controllers"
        self.assertEqual(groups(), [])
        self.assertEqual(groups(f"{key}={{ack}}"), [["eks.services.k8s.aws"]])
        # What is in no namespace counts for none, unless it is to count for any.
        self.assertEqual(groups(f"{key}={{crossplane}}"), [["eks.aws.m.upbound.io"]])
        any_namespace = "sources.associationResources.ownNamespaceOnly=false"
        both = [["eks.aws.m.upbound.io", "eks.aws.upbound.io"]]
        self.assertEqual(groups(f"{key}={{crossplane}}", any_namespace), both)

    def test_of_association_resources_that_count_in_their_namespace_alone_are_told_of(self):
        key = "sources.associationResources.controllers={ack}"
        self.assertIn("ownNamespaceOnly=false", notes(key))
        self.assertNotIn("ownNamespaceOnly", notes(key, "sources.associationResources.ownNamespaceOnly=false"))
        self.assertNotIn("ownNamespaceOnly", notes())

    def test_leave_users_and_groups_to_openshift(self):
        nulls = ",".join(f"podSecurityContext.{key}=null" for key in ("runAsUser", "runAsGroup", "fsGroup"))
        context = Rendered(nulls).pod["spec"]["securityContext"]
        self.assertEqual(context, {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})

    def test_a_service_monitor_brings_its_port(self):
        release = Rendered("serviceMonitor.enabled=true")
        self.assertEqual([port["port"] for port in release.Service["spec"]["ports"]], [443, 9999])

    def test_a_policy_lets_instance_metadata_be_asked_where_it_has_to_be(self):
        def asked(*sets, **rest):
            # The EKS API opens it too.
            sets = ("networkPolicy.enabled=true,sources.eksApi.enabled=false", *sets)
            return Rendered(*sets, **rest).NetworkPolicy["spec"]["egress"][1:]

        def metadata(*addresses):
            blocks = [{"ipBlock": {"cidr": address}} for address in addresses]
            return [{"ports": [{"port": 80, "protocol": "TCP"}], "to": blocks}]

        names, family = "injection.composeRoleArn=true", "injection.containerCredentials.ipFamily"
        no_partition, no_region = "injection.awsPartition=", "injection.awsDefaultRegion="
        v4, v6 = "169.254.169.254/32", "fd00:ec2::254/128"
        self.assertEqual(asked(), [])
        self.assertEqual(asked(names), metadata(v4))
        self.assertEqual(asked(names, f"{family}=ipv4"), metadata(v4))
        for ipv6 in ("ipv6", "auto"):
            self.assertEqual(asked(names, f"{family}={ipv6}"), metadata(v4, v6))
        # There an account is given, a partition and a region.
        self.assertEqual(asked(values="everything"), [])
        self.assertEqual(asked(no_partition, values="everything"), [])
        self.assertEqual(asked(no_partition, no_region, values="everything"), metadata(v4, v6))
        self.assertEqual(asked("injection.awsAccountId=", values="everything"), metadata(v4, v6))

    def test_the_nodes_network_keeps_the_clusters_dns(self):
        pod = Rendered(values="host-network").pod["spec"]
        self.assertEqual((pod["hostNetwork"], pod["dnsPolicy"]), (True, "ClusterFirstWithHostNet"))

    def test_run_as_part_of_another_chart(self):
        self.assertTrue(Rendered("global.x=y").kinds())


def with_bundle(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "bundle")
        path.write_text(text)
        return Rendered(authority=path)


def refused_bundle(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "bundle")
        path.write_text(text)
        return refusal(authority=path)


if __name__ == "__main__":
    unittest.main()
