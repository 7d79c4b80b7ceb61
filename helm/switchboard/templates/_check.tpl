{{/* What cannot work, in a sentence each that names the value. */}}
{{- define "switchboard.check" -}}
{{- include "switchboard.checkPods" . }}
{{- include "switchboard.checkHook" . }}
{{- include "switchboard.checkRedis" . }}
{{- include "switchboard.checkConfig" . }}
{{- include "switchboard.checkRoutes" . }}
{{- end }}

{{- define "switchboard.checkPods" -}}
{{- $scaling := .Values.autoscaling -}}
{{- $scales := or $scaling.hpa.enabled $scaling.keda.enabled -}}
{{- if and (not (include "switchboard.hasRedis" .)) (or $scales (gt (int .Values.replicaCount) 1)) }}
{{- fail "replicaCount: without Redis each pod is a world of its own, so there can be one: set redis.url, secrets.redisUrl or trialRedis.enabled, or replicaCount: 1 without autoscaling" }}
{{- end }}
{{- if and $scaling.hpa.enabled $scaling.keda.enabled }}
{{- fail "autoscaling: hpa.enabled and keda.enabled would both set the number of pods; choose one" }}
{{- end }}
{{- if and $scales (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) }}
{{- fail (printf "autoscaling.minReplicas: %v is more than autoscaling.maxReplicas, %v" $scaling.minReplicas $scaling.maxReplicas) }}
{{- end }}
{{- if and $scaling.keda.enabled (not $scaling.keda.prometheusAddress) }}
{{- fail "autoscaling.keda.prometheusAddress: say where KEDA finds Prometheus, such as http://prometheus.monitoring:9090" }}
{{- end }}
{{- end }}

{{- define "switchboard.checkHook" -}}
{{- $grace := .Values.terminationGracePeriodSeconds -}}
{{- $ready := .Values.minReadySeconds -}}
{{- if and (omit (.Values.lifecycle.preStop | default dict) "sleep") (or (kindIs "invalid" $grace) (kindIs "invalid" $ready)) }}
{{- $needed := list (include "switchboard.terminationGracePeriodSeconds" .) (include "switchboard.minReadySeconds" .) }}
{{- fail (printf "lifecycle.preStop: the drain begins when this hook has ended, and only of sleep is it known when: set terminationGracePeriodSeconds to %v and minReadySeconds to %v, each with the seconds added that the hook takes" (first $needed) (last $needed)) }}
{{- end }}
{{- end }}

{{- define "switchboard.checkRedis" -}}
{{- if or (regexMatch "://[^/@]*:[^/@]+@" .Values.redis.url) (contains "sentinelPassword=" .Values.redis.url) }}
{{- fail "redis.url: has a password; put the URL into a Secret and name it in secrets.redisUrl" }}
{{- end }}
{{- if and .Values.redis.url .Values.secrets.redisUrl.name }}
{{- fail "redis.url and secrets.redisUrl: say the URL once" }}
{{- end }}
{{- if and .Values.trialRedis.enabled (or .Values.redis.url .Values.secrets.redisUrl.name) }}
{{- fail "trialRedis.enabled: there is a Redis already, by redis.url or secrets.redisUrl" }}
{{- end }}
{{- if and .Values.redis.tls.secretName .Values.redis.url (not (hasPrefix "rediss" .Values.redis.url)) }}
{{- fail "redis.tls.secretName: redis.url is without TLS; it has to begin with rediss" }}
{{- end }}
{{- if ne (not .Values.redis.tls.cert) (not .Values.redis.tls.key) }}
{{- fail "redis.tls: cert and key are of use only together" }}
{{- end }}
{{- if and .Values.networkPolicy.enabled (or .Values.redis.url .Values.secrets.redisUrl.name) (not .Values.networkPolicy.egress) }}
{{- fail "networkPolicy.egress: the gateways could not reach Redis: [{ports: [{port: 6379}], to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]" }}
{{- end }}
{{- end }}

{{- define "switchboard.checkConfig" -}}
{{- $auth := .Values.config.auth | default dict }}
{{- if not (or .Values.secrets.jwtSecret.name $auth.mode .Values.extraEnv .Values.extraEnvFrom) }}
{{- fail "secrets.jwtSecret: nobody would need a token, and the gateways refuse to start so: name a Secret, or say config.auth.mode: open if everybody may connect" }}
{{- end }}
{{- range $path := list "listen" "ops_listen" "node.name" "node.ops_address" "node.ops_host" "redis.url" "auth.jwt.secret" "cluster.key" "admin.token" "ice.turn_secret" "ice.fetch.headers" "media.api_secret" }}
{{- $tree := $.Values.config }}
{{- range $part := splitList "." $path }}
{{- $tree = ternary (get ($tree | default dict) $part) dict (kindIs "map" ($tree | default dict)) }}
{{- end }}
{{- if $tree }}
{{- fail (printf "config.%s: the chart sets this: see bindAddress, redis.url and secrets in its values" $path) }}
{{- end }}
{{- end }}
{{- range $path := list "auth.jwt.secret_old" "ice.turn_secret_old" "ice.fetch.body" }}
{{- $tree := $.Values.config }}
{{- range $part := splitList "." $path }}
{{- $tree = ternary (get ($tree | default dict) $part) dict (kindIs "map" ($tree | default dict)) }}
{{- end }}
{{- if $tree }}
{{- fail (printf "config.%s: may hold a secret, and a ConfigMap keeps none: say it in extraEnv, mostly from a Secret: {name: SWITCHBOARD_%s, valueFrom: {secretKeyRef: …}}" $path (upper (replace "." "__" $path))) }}
{{- end }}
{{- end }}
{{- if and .Values.tls.existingSecret .Values.config.tls }}
{{- fail "tls.existingSecret and config.tls: say once where the certificate is" }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if hasPrefix "SWITCHBOARD_DRAIN__" (toString .name) }}
{{- fail (printf "extraEnv: say %s in config.drain instead: the time that pods get to end is computed from there" .name) }}
{{- end }}
{{- end }}
{{- $grace := include "switchboard.drainMs" (list . "grace_ms" 5000) | int64 -}}
{{- $window := include "switchboard.drainMs" (list . "window_ms" 30000) | int64 -}}
{{- $deadline := include "switchboard.drainMs" (list . "deadline_ms" 60000) | int64 -}}
{{- if lt $deadline (add $grace $window) }}
{{- fail (printf "config.drain.deadline_ms: %v is less than grace_ms and window_ms together, %v: the gateways refuse to start so" $deadline (add $grace $window)) }}
{{- end }}
{{- end }}

{{- define "switchboard.checkRoutes" -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs: a route needs a Gateway: [{name: public, namespace: gateways}]" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.hosts: say at least one: [call.example.com]" }}
{{- end }}
{{- if and (ne .Values.service.type "LoadBalancer") (or .Values.service.loadBalancerClass .Values.service.loadBalancerSourceRanges) }}
{{- fail (printf "service.type: %s has no load balancer, but loadBalancerClass or loadBalancerSourceRanges is set" .Values.service.type) }}
{{- end }}
{{- if and (eq .Values.service.type "ClusterIP") .Values.service.externalTrafficPolicy }}
{{- fail "service.externalTrafficPolicy: nothing comes from outside to a Service of type ClusterIP" }}
{{- end }}
{{- end }}
