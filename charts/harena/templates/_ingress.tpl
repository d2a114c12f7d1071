{{- /*
harena.ingress: what depends on the ingress controller, as a YAML map, and the only place that knows.
The names are those of the controllers' own charts, installed as k8s/ says.

  namespace       where its pods are
  app             what they have in the label app.kubernetes.io/name
  metricsPort     where they answer /metrics
  metricsService  the Service in front of that, in their namespace
  entrances       the ports of its pods that requests come in by
*/}}
{{- define "harena.ingress" -}}
{{- $known := dict
  "nginx" (dict "namespace" "ingress-nginx" "app" "ingress-nginx" "metricsPort" 10254
    "metricsService" "ingress-nginx-controller-metrics" "entrances" (list 80 443))
  "traefik" (dict "namespace" "kube-system" "app" "traefik" "metricsPort" 9100
    "metricsService" "traefik-metrics" "entrances" (list 8000 8443)) }}
{{- $own := get $known (.Values.ingress.controller | default "nginx") }}
{{- with .Values.ingress.controllerNamespace }}{{ $_ := set $own "namespace" . }}{{ end }}
{{- $own | toYaml }}
{{- end }}
