{{- /*
What depends on the ingress controller, and the only place that asks which it is. Each reads a class
of its own, so that both may be installed: the Ingress objects' status is written by one alone.
*/}}

{{- /*
harena.ingress: the controller, as a YAML map.

  className       the IngressClass of our Ingress objects
  namespace       where its pods are
  app             what they have in the label app.kubernetes.io/name
  service         the Service that requests come in by, in their namespace, at port 80
  metricsPort     where they answer /metrics
  metricsService  the Service in front of that, in their namespace
  entrances       the ports of its pods that requests come in by

The names are those that k8s/ installs.
*/}}
{{- define "harena.ingress" -}}
{{- $known := dict
  "nginx" (dict "className" "nginx" "namespace" "ingress-nginx" "app" "ingress-nginx"
    "service" "ingress-nginx-controller" "metricsPort" 10254 "metricsService" "ingress-nginx-controller-metrics"
    "entrances" (list 80 443))
  "traefik" (dict "className" "traefik-nginx" "namespace" "kube-system" "app" "traefik"
    "service" "traefik" "metricsPort" 9100 "metricsService" "harena-traefik-metrics"
    "entrances" (list 8000 8443)) }}
{{- $own := get $known .Values.ingress.controller }}
{{- with .Values.ingress.className }}{{ $_ := set $own "className" . }}{{ end }}
{{- with .Values.ingress.controllerNamespace }}{{ $_ := set $own "namespace" . }}{{ end }}
{{- $own | toYaml }}
{{- end }}

{{- /* The controller as pods find it. */}}
{{- define "harena.ingress.url" -}}
{{- with include "harena.ingress" . | fromYaml -}}
http://{{ .service }}.{{ .namespace }}
{{- end }}
{{- end }}

{{- /* The controller's pods as the end of an edge. */}}
{{- define "harena.ingress.pods" -}}
{{- $controller := include "harena.ingress" . | fromYaml }}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ $controller.namespace }}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ $controller.app }}
{{- end }}

{{- /* harena.ingress.buffering: annotations for the bodies of a route. Takes a dict: root, route. */}}
{{- define "harena.ingress.buffering" -}}
{{- if eq .root.Values.ingress.controller "traefik" -}}
# Without it Traefik has no limit of bodies.
nginx.ingress.kubernetes.io/proxy-request-buffering: "on"
# With it an answer above 32 KiB would be a 500.
nginx.ingress.kubernetes.io/proxy-buffering: "off"
{{- else -}}
nginx.ingress.kubernetes.io/proxy-buffering: {{ ternary "on" "off" .route.buffering | quote }}
# Answers hold bank data, which is not written to disk on its way.
nginx.ingress.kubernetes.io/proxy-max-temp-file-size: "0"
{{- end }}
{{- end }}

{{- /*
harena.ingress.pathType: Exact or Prefix. Takes a dict: root, route, path.

Traefik asks the longest rule first, exact or not. Path("/health") is as long as PathPrefix("/"), and
then chance decides which of them counts the request: so short a path is a prefix, whose rule is longer.
*/}}
{{- define "harena.ingress.pathType" -}}
{{- if and (eq .root.Values.ingress.controller "traefik") (le (len .path) 7) -}}
Prefix
{{- else -}}
{{ .route.pathType }}
{{- end }}
{{- end }}
