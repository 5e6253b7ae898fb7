{{/*
The program's arguments, one a line, each beside its condition. A value that is left empty is not passed: defaults
are written in one place, the program. Numbers go through int64, because Helm reads those of files as floats
(4.29e+09), and texts through quote, because they may hold anything.
*/}}
{{- define "pod-identity-webhook.args" -}}
{{- $injection := .Values.injection -}}
{{- $credentials := $injection.containerCredentials -}}
{{- $sources := .Values.sources -}}
{{- $resources := $sources.associationResources -}}
{{- $server := .Values.server -}}
{{- $isSelfManaged := eq (include "pod-identity-webhook.certificateMode" .) "self-managed" -}}
{{- $periods := .Values.certificate.selfManaged | default dict -}}
{{- if $isSelfManaged -}}
- --certificates=self-managed
- {{ printf "--service-name=%s" (include "pod-identity-webhook.fullname" .) | quote }}
- {{ printf "--tls-secret=%s" (include "pod-identity-webhook.authoritySecret" .) | quote }}
- {{ printf "--webhook-configuration=%s" (include "pod-identity-webhook.clusterName" .) | quote }}
{{- with $periods.authorityLifetime }}
- {{ printf "--authority-lifetime=%s" . | quote }}
{{- end }}
{{- with $periods.certificateLifetime }}
- {{ printf "--certificate-lifetime=%s" . | quote }}
{{- end }}
{{- with $periods.rotationWait }}
- {{ printf "--rotation-wait=%s" . | quote }}
{{- end }}
{{- else -}}
- --in-cluster=false
- --tls-cert=/etc/webhook/certs/tls.crt
- --tls-key=/etc/webhook/certs/tls.key
{{- end }}
- --port={{ $server.port | int64 }}
- --metrics-port={{ $server.metricsPort | int64 }}
- --shutdown-delay={{ $server.shutdownDelaySeconds | int64 }}s
{{- with $injection.annotationPrefix }}
- {{ printf "--annotation-prefix=%s" . | quote }}
{{- end }}
{{- with $injection.awsDefaultRegion }}
- {{ printf "--aws-default-region=%s" . | quote }}
{{- end }}
{{- with $injection.awsAccountId }}
- {{ printf "--aws-account-id=%s" . | quote }}
{{- end }}
{{- with $injection.awsPartition }}
- {{ printf "--aws-partition=%s" . | quote }}
{{- end }}
{{- with $injection.roleArnValidation }}
- {{ printf "--role-arn-validation=%s" . | quote }}
{{- end }}
{{- with include "pod-identity-webhook.rolePolicy" . }}
- {{ printf "--role-policy=%s" . | quote }}
{{- end }}
{{- with ($injection.rolePolicy).mode }}
- {{ printf "--role-policy-mode=%s" . | quote }}
{{- end }}
{{- with $injection.tokenAudience }}
- {{ printf "--token-audience=%s" . | quote }}
{{- end }}
{{- with $injection.tokenMountPath }}
- {{ printf "--token-mount-path=%s" . | quote }}
{{- end }}
{{- with $credentials.audience }}
- {{ printf "--container-credentials-audience=%s" . | quote }}
{{- end }}
{{- with $credentials.tokenMountPath }}
- {{ printf "--container-credentials-token-mount-path=%s" . | quote }}
{{- end }}
{{- with $credentials.tokenVolumeName }}
- {{ printf "--container-credentials-token-volume-name=%s" . | quote }}
{{- end }}
{{- with $credentials.tokenPath }}
- {{ printf "--container-credentials-token-path=%s" . | quote }}
{{- end }}
{{- with $credentials.fullUri }}
- {{ printf "--container-credentials-full-uri=%s" . | quote }}
{{- end }}
{{- if $credentials.noAgentFallback }}
- --no-agent-fallback=true
{{- end }}
{{- with include "pod-identity-webhook.associationFile" . }}
- {{ printf "--watch-container-credentials-config=%s" . | quote }}
{{- end }}
{{- $followed := $resources.controllers }}
{{- if (.Values.associations).enabled }}
{{- $followed = append $followed "own" }}
{{- end }}
{{- with join "," $followed }}
- {{ printf "--watch-association-resources=%s" . | quote }}
{{- end }}
{{- if and $resources.controllers (not $resources.ownNamespaceOnly) }}
- "--association-resources-own-namespace-only=false"
{{- end }}
{{- with $sources.eksClusterName }}
- {{ printf "--eks-cluster-name=%s" . | quote }}
{{- end }}
{{- if or $isSelfManaged $sources.configMap.enabled }}
- {{ printf "--namespace=%s" .Release.Namespace | quote }}
{{- end }}
{{- with $credentials.ipFamily }}
- {{ printf "--ip-family=%s" . | quote }}
{{- end }}
{{- with $server.bindAddress }}
- {{ printf "--bind-address=%s" . | quote }}
{{- end }}
{{- with include "pod-identity-webhook.clientCa" . }}
- {{ printf "--client-ca-file=%s" . | quote }}
{{- end }}
{{- with $server.tlsMinVersion }}
- {{ printf "--tls-min-version=%s" . | quote }}
{{- end }}
{{- with $server.tlsCipherSuites }}
- {{ printf "--tls-cipher-suites=%s" . | quote }}
{{- end }}
{{- with .Values.log.format }}
- {{ printf "--log-format=%s" . | quote }}
{{- end }}
{{- with $injection.tokenExpiration }}
- --token-expiration={{ . | int64 }}
{{- end }}
{{- with $sources.lookupRate }}
- --lookup-rate={{ . | int64 }}
{{- end }}
{{- with $sources.lookupBurst }}
- --lookup-burst={{ . | int64 }}
{{- end }}
{{- with $server.maxConnections }}
- --max-connections={{ . | int64 }}
{{- end }}
{{- with $server.maxRequestMemory }}
- --max-request-memory={{ . | int64 }}
{{- end }}
{{- with .Values.log.verbosity }}
- --v={{ . | int64 }}
{{- end }}
{{- /* 0 is a value of its own here: no share. */}}
{{- if not (kindIs "invalid" $server.maxConnectionsPerPeer) }}
- --max-connections-per-peer={{ $server.maxConnectionsPerPeer | int64 }}
{{- end }}
{{- if $injection.stsRegionalEndpoint }}
- --sts-regional-endpoint=true
{{- end }}
{{- if $sources.configMap.enabled }}
- --watch-config-map=true
{{- end }}
{{- if and $resources.controllers $resources.usePending }}
- --use-pending-associations=true
{{- end }}
{{- if $sources.eksApi.enabled }}
- --watch-eks-api=true
{{- end }}
{{- if $injection.composeRoleArn }}
- --compose-role-arn=true
{{- end }}
{{- if $server.enableDebuggingHandlers }}
- --enable-debugging-handlers=true
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Path at which the file of associations is mounted; "" if there is none. */}}
{{- define "pod-identity-webhook.associationFile" -}}
{{- with .Values.sources.associationFile }}
{{- if .configMap }}
{{- printf "/etc/webhook/associations/%s" .key }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Path at which the authorities of client certificates are mounted; "" if there are none. */}}
{{- define "pod-identity-webhook.clientCa" -}}
{{- with .Values.certificate.clientCa }}
{{- if .configMap }}
{{- printf "/etc/webhook/client-ca/%s" (.key | default "ca.crt") }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Path at which the role policy is mounted; "" if there is none. */}}
{{- define "pod-identity-webhook.rolePolicy" -}}
{{- with .Values.injection.rolePolicy }}
{{- if .configMap }}
{{- printf "/etc/webhook/role-policy/%s" (.key | default "role-policy.yaml") }}
{{- end }}
{{- end }}
{{- end -}}
