{{- /*
harena.stores: the stores that run in the cluster, as a YAML map from component to its port, the
credential that lets a service in, its storage, and who else may speak to it.
*/}}
{{- define "harena.stores" -}}
{{- $stores := dict }}
{{- $monitors := include "harena.monitors" . | fromYaml }}
{{- with .Values.database }}
  {{- if .enabled }}
    {{- $others := ternary (list "migrate" "demo") (list "migrate") $.Values.demo.enabled }}
    {{- if hasKey $monitors "postgres-exporter" }}{{ $others = append $others "postgres-exporter" }}{{ end }}
    {{- $_ := set $stores "postgres" (dict "port" 5432 "credential" "database" "storage" .storage "others" $others) }}
  {{- end }}
{{- end }}
{{- with .Values.redis }}
  {{- if .enabled }}
    {{- $others := ternary (list "redis-exporter") list (hasKey $monitors "redis-exporter") }}
    {{- $_ := set $stores "redis" (dict "port" 6379 "credential" "redis" "storage" .storage "others" $others) }}
  {{- end }}
{{- end }}
{{- $stores | toYaml }}
{{- end }}
