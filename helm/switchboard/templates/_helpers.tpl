{{- define "switchboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "switchboard.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "switchboard.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "switchboard.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "switchboard.selector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "switchboard.redisSelector" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: redis
{{- end }}

{{- define "switchboard.labels" -}}
{{ include "switchboard.commonLabels" . }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "switchboard.commonLabels" -}}
app.kubernetes.io/name: {{ include "switchboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "switchboard.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "switchboard.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "switchboard.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Not empty where the gateways have a Redis. */}}
{{- define "switchboard.hasRedis" -}}
{{- if or .Values.redis.url .Values.secrets.redisUrl.name .Values.trialRedis.enabled }}yes{{ end }}
{{- end }}

{{/* A time of `config.drain` in milliseconds: (list . "grace_ms" 5000). */}}
{{- define "switchboard.drainMs" -}}
{{- $drain := (index . 0).Values.config.drain | default dict -}}
{{- get $drain (index . 1) | default (index . 2) | int64 }}
{{- end }}

{{/* Time in which everybody has moved off a pod that stops, and a margin: seconds. */}}
{{- define "switchboard.minReadySeconds" -}}
{{- $grace := include "switchboard.drainMs" (list . "grace_ms" 5000) | int64 -}}
{{- $window := include "switchboard.drainMs" (list . "window_ms" 30000) | int64 -}}
{{- $least := add (div (add $grace $window 999) 1000) 5 -}}
{{- if kindIs "invalid" .Values.minReadySeconds }}{{ $least }}{{ else }}{{ .Values.minReadySeconds }}{{ end }}
{{- end }}

{{- define "switchboard.terminationGracePeriodSeconds" -}}
{{- $deadline := include "switchboard.drainMs" (list . "deadline_ms" 60000) | int64 -}}
{{- $least := add (div (add $deadline 999) 1000) 15 -}}
{{- $said := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $said }}{{ $least }}
{{- else if lt (int64 $said) (int64 $least) }}
{{- fail (printf "terminationGracePeriodSeconds: %v is too short: a pod drains for up to %v s (config.drain.deadline_ms) and needs %v; leave it out to have that computed" $said (div (add $deadline 999) 1000) $least) }}
{{- else }}{{ $said }}{{ end }}
{{- end }}

{{/* What cannot work, in a sentence each. */}}
{{- define "switchboard.check" -}}
{{- $scales := or .Values.autoscaling.hpa.enabled .Values.autoscaling.keda.enabled -}}
{{- $hasRedis := include "switchboard.hasRedis" . -}}
{{- if and (not $hasRedis) (or $scales (gt (int .Values.replicaCount) 1)) }}
{{- fail "replicaCount: without Redis each pod is a world of its own, so there can be one: set redis.url, secrets.redisUrl or trialRedis.enabled, or replicaCount: 1 without autoscaling" }}
{{- end }}
{{- if and .Values.autoscaling.hpa.enabled .Values.autoscaling.keda.enabled }}
{{- fail "autoscaling: hpa.enabled and keda.enabled would both set the number of pods; choose one" }}
{{- end }}
{{- if and .Values.autoscaling.keda.enabled (not .Values.autoscaling.keda.prometheusAddress) }}
{{- fail "autoscaling.keda.prometheusAddress: say where KEDA finds Prometheus, such as http://prometheus.monitoring:9090" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs: a route needs a Gateway: [{name: public, namespace: gateways}]" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.hosts: say at least one: [{host: call.example.com}]" }}
{{- end }}
{{- $auth := .Values.config.auth | default dict }}
{{- if not (or .Values.secrets.jwtSecret.name $auth.mode .Values.extraEnv .Values.extraEnvFrom) }}
{{- fail "secrets.jwtSecret: nobody would need a token, and the gateways refuse to start so: name a Secret, or say config.auth.mode: open if everybody may connect" }}
{{- end }}
{{- if and .Values.redis.url .Values.secrets.redisUrl.name }}
{{- fail "redis.url and secrets.redisUrl: say the URL once" }}
{{- end }}
{{- if and .Values.trialRedis.enabled (or .Values.redis.url .Values.secrets.redisUrl.name) }}
{{- fail "trialRedis.enabled: there is a Redis already, by redis.url or secrets.redisUrl" }}
{{- end }}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled }}
{{- fail "monitoring: podMonitor.enabled and serviceMonitor.enabled would scrape every pod twice; choose one" }}
{{- end }}
{{- range $path := list "listen" "ops_listen" "node.ops_address" "node.ops_host" "redis.url" "auth.jwt.secret" "cluster.key" "admin.token" }}
{{- $tree := $.Values.config }}
{{- range $part := splitList "." $path }}
{{- $tree = ternary (get ($tree | default dict) $part) dict (kindIs "map" ($tree | default dict)) }}
{{- end }}
{{- if $tree }}
{{- fail (printf "config.%s: the chart sets this: see bindAddress, redis.url and secrets in its values" $path) }}
{{- end }}
{{- end }}
{{- end }}
