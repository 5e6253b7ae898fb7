"""Values that values.schema.json refuses: misspelt keys, and what no value can be."""

import unittest

from chart import refusal


class Schema(unittest.TestCase):
    def test_refuses_misspelt_keys_and_says_which(self):
        closed = [
            "", "agent.", "agent.cache.", "agent.initialize.", "agent.resources.", "agent.serviceAccount.", "agent.serviceMonitor.",
            "agent.updateStrategy.", "agent.updateStrategy.rollingUpdate.", "associations.", "associations.roles.", "image.", "injection.", "injection.containerCredentials.", "injection.rolePolicy.", "issuer.", "issuer.serviceAccount.", "sources.", "sources.configMap.", "sources.associationResources.", "certificate.", "certificate.selfManaged.", "certificate.certManager.",
            "certificate.certManager.issuerRef.", "webhook.", "webhook.rolePolicy.", "server.", "log.",
            "service.", "serviceAccount.", "rbac.", "resources.", "updateStrategy.", "updateStrategy.rollingUpdate.",
            "podDisruptionBudget.", "serviceMonitor.", "prometheusRule.", "dashboard.", "tests.", "networkPolicy.", "flowSchema.",
        ]  # fmt: skip
        for path in closed:
            with self.subTest(path=path):
                said = refusal(f"{path}mispelt=1")
                self.assertIn("additional properties 'mispelt' not allowed", said)
                self.assertIn(path.removesuffix(".").replace(".", "/"), said)

    def test_refuses_wrong_values_and_says_where(self):
        wrong = [
            ("replicas=two", "/replicas"),
            ("replicas=-1", "/replicas"),
            ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
            ("image.tag=1", "/image/tag"),
            ("image.digest=sha256:abc", "/image/digest"),
            ("injection.annotationPrefix=Not_a_domain", "/injection/annotationPrefix"),
            ("injection.annotationPrefix=", "/injection/annotationPrefix"),
            ("injection.awsDefaultRegion=EU", "/injection/awsDefaultRegion"),
            ("injection.stsRegionalEndpoint=perhaps", "/injection/stsRegionalEndpoint"),
            ("injection.tokenExpiration=599", "/injection/tokenExpiration"),
            ("injection.composeRoleArn=perhaps", "/injection/composeRoleArn"),
            # Without quotes it is a number, and would lose its leading zeros.
            ("injection.awsAccountId=123456789012", "/injection/awsAccountId"),
            ("injection.awsPartition=AWS", "/injection/awsPartition"),
            ("injection.roleArnValidation=strict", "/injection/roleArnValidation"),
            # What YAML makes of a bare off.
            ("injection.roleArnValidation=false", "/injection/roleArnValidation"),
            ("injection.tokenMountPath=relative", "/injection/tokenMountPath"),
            ("injection.containerCredentials.fullUri=ftp://x", "/injection/containerCredentials/fullUri"),
            ("agent.enabled=yes", "/agent/enabled"),
            ("agent.clusterName=prod.eu", "/agent/clusterName"),
            ("agent.upstream=sts", "/agent/upstream"),
            ("agent.region=EU", "/agent/region"),
            ("agent.endpoint=sts.example.com", "/agent/endpoint"),
            ("agent.credentialDuration=3600", "/agent/credentialDuration"),
            ("agent.issuers={issuer.example.com}", "/agent/issuers/0"),
            ("agent.associations={own,eks}", "/agent/associations/1"),
            ("agent.associations={own,own}", "/agent/associations"),
            ("agent.verifyNode=no", "/agent/verifyNode"),
            ("agent.maxRequestsPerSecond=9", "/agent/maxRequestsPerSecond"),
            ("agent.cache.size=-1", "/agent/cache/size"),
            ("agent.cache.retention=3", "/agent/cache/retention"),
            ("agent.cache.renewalsPerSecond=0", "/agent/cache/renewalsPerSecond"),
            ("agent.bindHosts={localhost}", "/agent/bindHosts/0"),
            ("agent.bindHosts={fd00}", "/agent/bindHosts/0"),
            ("agent.probePort=80", "/agent/probePort"),
            ("agent.metricsPort=0", "/agent/metricsPort"),
            ("agent.verbosity=4", "/agent/verbosity"),
            ("agent.initialize.linkType=veth", "/agent/initialize/linkType"),
            ("agent.initialize.privileged=yes", "/agent/initialize/privileged"),
            ("agent.updateStrategy.type=Recreate", "/agent/updateStrategy/type"),
            ("agent.updateStrategy.rollingUpdate.maxSurge=some", "/agent/updateStrategy/rollingUpdate/maxSurge"),
            ("agent.handover=yes", "/agent/handover"),
            ("agent.standby=yes", "/agent/standby"),
            ("agent.podLabels.a=true", "/agent/podLabels/a"),
            ("issuer.enabled=yes", "/issuer/enabled"),
            ("issuer.url=http://oidc.example.com", "/issuer/url"),
            ("issuer.url=https://oidc.example.com:8443", "/issuer/url"),
            ("issuer.to=srv/www", "/issuer/to"),
            ("issuer.to=gs://bucket", "/issuer/to"),
            ("issuer.apiServers={10.0.0.1}", "/issuer/apiServers/0"),
            ("issuer.keys={sa.pub}", "/issuer/keys/0"),
            ("issuer.keysPath=/jwks", "/issuer/keysPath"),
            ("issuer.retention=2", "/issuer/retention"),
            ("issuer.interval=0s", "/issuer/interval"),
            ("issuer.region=EU", "/issuer/region"),
            ("agent.extraArgs={port}", "/agent/extraArgs/0"),
            ("associations.enabled=yes", "/associations/enabled"),
            ("associations.definition=keep", "/associations/definition"),
            ("associations.roles.aggregateEditor=admin", "/associations/roles/aggregateEditor"),
            ("sources.configMap.enabled=yes", "/sources/configMap/enabled"),
            ("sources.associationResources.controllers={ack,terraform}", "/sources/associationResources/controllers/1"),
            ("sources.associationResources.usePending=yes", "/sources/associationResources/usePending"),
            ("sources.eksClusterName=prod.eu", "/sources/eksClusterName"),
            ("injection.containerCredentials.ipFamily=IPv6", "/injection/containerCredentials/ipFamily"),
            ("certificate.selfManaged.authorityLifetime=1y", "/certificate/selfManaged/authorityLifetime"),
            ("certificate.selfManaged.rotationWait=60", "/certificate/selfManaged/rotationWait"),
            ("certificate.selfManaged.certificateLifetime=0s", "/certificate/selfManaged/certificateLifetime"),
            ("certificate.certManager.duration=0h00m", "/certificate/certManager/duration"),
            ("certificate.certManager.enabled=yes", "/certificate/certManager/enabled"),
            ("certificate.certManager.duration=90d", "/certificate/certManager/duration"),
            ("certificate.certManager.renewBefore=", "/certificate/certManager/renewBefore"),
            ("certificate.certManager.issuerRef.kind=issuer", "/certificate/certManager/issuerRef/kind"),
            ("certificate.certManager.issuerRef.group=", "/certificate/certManager/issuerRef/group"),
            ("webhook.failurePolicy=ignore", "/webhook/failurePolicy"),
            ("webhook.timeoutSeconds=31", "/webhook/timeoutSeconds"),
            ("webhook.name=short.name", "/webhook/name"),
            ("webhook.requiredIdentity=yes", "/webhook/requiredIdentity"),
            ("webhook.validatingPolicy=auto", "/webhook/validatingPolicy"),
            ("server.port=443", "/server/port"),
            ("server.shutdownDelaySeconds=10s", "/server/shutdownDelaySeconds"),
            ("server.maxRequestMemory=15", "/server/maxRequestMemory"),
            ("log.format=xml", "/log/format"),
            ("extraArgs=--port=1", "/extraArgs"),
            ("service.port=0", "/service/port"),
            ("podDisruptionBudget.maxUnavailable=half", "/podDisruptionBudget/maxUnavailable"),
            ("podAnnotations.a=true", "/podAnnotations/a"),
            ("hostNetwork=on", "/hostNetwork"),
            ("flowSchema.enabled=on", "/flowSchema/enabled"),
            ("networkPolicy.apiServerPorts={}", "/networkPolicy/apiServerPorts"),
        ]
        for assignment, place in wrong:
            with self.subTest(assignment=assignment):
                self.assertIn(f"at '{place}", refusal(assignment))


if __name__ == "__main__":
    unittest.main()
