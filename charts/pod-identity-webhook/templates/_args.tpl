{{/*
The program's arguments, one a line. What is left empty is not passed: defaults are written in one
place, the program. Numbers go through int64, because Helm reads those of files as floats (4.29e+09).
*/}}
{{- define "pod-identity-webhook.args" -}}
{{- $injection := .Values.injection -}}
{{- $credentials := $injection.containerCredentials -}}
{{- $server := .Values.server -}}
{{- $configMap := .Values.sources.configMap -}}
{{- $resources := .Values.sources.associationResources -}}
{{- $sources := .Values.sources -}}
{{- $texts := list
      (list "annotation-prefix" $injection.annotationPrefix)
      (list "aws-default-region" $injection.awsDefaultRegion)
      (list "aws-account-id" $injection.awsAccountId)
      (list "aws-partition" $injection.awsPartition)
      (list "role-arn-validation" $injection.roleArnValidation)
      (list "role-policy" (include "pod-identity-webhook.rolePolicy" .))
      (list "role-policy-mode" .Values.webhook.rolePolicy.mode)
      (list "token-audience" $injection.tokenAudience)
      (list "token-mount-path" $injection.tokenMountPath)
      (list "container-credentials-audience" $credentials.audience)
      (list "container-credentials-token-mount-path" $credentials.tokenMountPath)
      (list "container-credentials-token-volume-name" $credentials.tokenVolumeName)
      (list "container-credentials-token-path" $credentials.tokenPath)
      (list "container-credentials-full-uri" $credentials.fullUri)
      (list "watch-container-credentials-config" (include "pod-identity-webhook.associationFile" .))
      (list "watch-association-resources" (join "," $resources.controllers))
      (list "association-resources-own-namespace-only" (ternary "false" "" (and (not (empty $resources.controllers)) (not $resources.ownNamespaceOnly))))
      (list "eks-cluster-name" $sources.eksClusterName)
      (list "namespace" ($configMap.enabled | ternary .Release.Namespace ""))
      (list "ip-family" $credentials.ipFamily)
      (list "bind-address" $server.bindAddress)
      (list "client-ca-file" (include "pod-identity-webhook.clientCa" .))
      (list "tls-min-version" $server.tlsMinVersion)
      (list "tls-cipher-suites" $server.tlsCipherSuites)
      (list "log-format" .Values.log.format) -}}
{{- $numbers := list
      (list "token-expiration" $injection.tokenExpiration)
      (list "lookup-rate" $sources.lookupRate)
      (list "lookup-burst" $sources.lookupBurst)
      (list "max-connections" $server.maxConnections)
      (list "max-request-memory" $server.maxRequestMemory)
      (list "v" .Values.log.verbosity) -}}
{{- $switches := list
      (list "sts-regional-endpoint" $injection.stsRegionalEndpoint)
      (list "watch-config-map" $configMap.enabled)
      (list "use-pending-associations" (and $resources.controllers $resources.usePending))
      (list "watch-eks-api" $sources.eksApi.enabled)
      (list "compose-role-arn" $injection.composeRoleArn)
      (list "enable-debugging-handlers" $server.enableDebuggingHandlers) -}}
{{- if and $sources.eksApi.enabled (not $sources.eksClusterName) }}
{{- fail "sources.eksApi.enabled needs sources.eksClusterName: the cluster whose associations are listed" }}
{{- end }}
- --in-cluster=false
- --tls-cert=/etc/webhook/certs/tls.crt
- --tls-key=/etc/webhook/certs/tls.key
- --port={{ $server.port | int64 }}
- --metrics-port={{ $server.metricsPort | int64 }}
- --shutdown-delay={{ $server.shutdownDelaySeconds | int64 }}s
{{- range $texts }}
{{- if last . }}
- {{ printf "--%s=%s" (first .) (last .) | quote }}
{{- end }}
{{- end }}
{{- range $numbers }}
{{- if last . }}
- {{ printf "--%s=%d" (first .) (last . | int64) }}
{{- end }}
{{- end }}
{{- /* 0 is a value of its own here. */}}
{{- if not (kindIs "invalid" $server.maxConnectionsPerPeer) }}
- --max-connections-per-peer={{ $server.maxConnectionsPerPeer | int64 }}
{{- end }}
{{- range $switches }}
{{- if last . }}
- {{ printf "--%s=true" (first .) }}
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/*
Where the file of associations is mounted; empty without one.
*/}}
{{- define "pod-identity-webhook.associationFile" -}}
{{- with .Values.sources.associationFile }}
{{- if .configMap }}
{{- printf "/etc/webhook/associations/%s" .key }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Where the authorities of client certificates are mounted; empty without them.
*/}}
{{- define "pod-identity-webhook.clientCa" -}}
{{- with .Values.certificate.clientCa }}
{{- if .configMap }}
{{- printf "/etc/webhook/client-ca/%s" (.key | default "ca.crt") }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Where the role policy is mounted; empty without one.
*/}}
{{- define "pod-identity-webhook.rolePolicy" -}}
{{- with .Values.webhook.rolePolicy }}
{{- if .configMap }}
{{- printf "/etc/webhook/role-policy/%s" .key }}
{{- end }}
{{- end }}
{{- end -}}
