{{/*
Arguments of the agent, by the same rules as the webhook's: a value that is left empty is not passed.
*/}}
{{- define "pod-identity-webhook.agent.args" -}}
{{- $agent := .Values.agent -}}
{{- $cache := $agent.cache | default dict -}}
{{- $upstream := include "pod-identity-webhook.agent.upstream" . -}}
- agent
- {{ printf "--cluster-name=%s" (include "pod-identity-webhook.agent.eksClusterName" .) | quote }}
- --upstream={{ $upstream }}
{{- if not $agent.handover }}
- --probe-port={{ $agent.probePort | int64 }}
{{- end }}
- --metrics-port={{ $agent.metricsPort | int64 }}
{{- with $agent.bindHosts }}
- {{ printf "--bind-hosts=%s" (join "," .) | quote }}
{{- end }}
{{- with $agent.endpoint }}
- {{ printf "--endpoint=%s" . | quote }}
{{- end }}
{{- if eq $upstream "web-identity" }}
{{- /* Also where it is empty: the program's default is the cluster's own. */}}
- {{ printf "--watch-association-resources=%s" (include "pod-identity-webhook.agent.associations" .) | quote }}
{{- end }}
{{- with include "pod-identity-webhook.agent.associationFile" . }}
- {{ printf "--watch-container-credentials-config=%s" . | quote }}
{{- end }}
{{- with include "pod-identity-webhook.agent.rolePolicy" . }}
- {{ printf "--role-policy=%s" . | quote }}
{{- with ($.Values.injection.rolePolicy).mode }}
- {{ printf "--role-policy-mode=%s" . | quote }}
{{- end }}
{{- end }}
{{- with $agent.credentialDuration }}
- {{ printf "--credential-duration=%s" . | quote }}
{{- end }}
{{- with $agent.audience | default .Values.injection.containerCredentials.audience }}
- {{ printf "--audience=%s" . | quote }}
{{- end }}
{{- range $agent.issuers }}
- {{ printf "--issuer=%s" . | quote }}
{{- end }}
{{- if eq (toString $agent.verifyNode) "false" }}
- --verify-node=false
{{- end }}
{{- with $agent.startupTaint }}
- {{ printf "--startup-taint=%s" . | quote }}
{{- end }}
{{- with $agent.maxRequestsPerSecond }}
- --max-requests-per-second={{ . | int64 }}
{{- end }}
{{- /* 0 is a value of its own here: nothing is kept. */}}
{{- if not (kindIs "invalid" $cache.size) }}
- --max-cache-size={{ $cache.size | int64 }}
{{- end }}
{{- with $cache.retention }}
- {{ printf "--max-credential-retention-before-renewal=%s" . | quote }}
{{- end }}
{{- with $cache.renewalsPerSecond }}
- --max-service-qps={{ . | int64 }}
{{- end }}
{{- with $agent.verbosity }}
- {{ printf "--verbosity=%s" . | quote }}
{{- end }}
{{- with .Values.log.format }}
- {{ printf "--log-format=%s" . | quote }}
{{- end }}
{{- end -}}
