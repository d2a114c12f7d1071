{{- /*
harena.services: the services, as a YAML map from name to its settings laid over
.Values.serviceDefaults. Templates range over it and see no defaults of their own:

  {{- range $name, $service := include "harena.services" . | fromYaml }}

Maps are merged and everything else is replaced, but for `resources`, which is replaced as a whole:
half of one request and half of another is a combination nobody chose. The credential search-engine
is left out where no search engine is given.

`operations` is added: the name and the number of the port with probes and metrics.
*/}}
{{- define "harena.services" -}}
{{- $services := dict }}
{{- range $name, $own := .Values.services }}
  {{- $service := mergeOverwrite (deepCopy $.Values.serviceDefaults) (deepCopy $own) }}
  {{- $_ := set $service "resources" ($own.resources | default $.Values.serviceDefaults.resources) }}
  {{- if not $.Values.searchEngine.existingSecret }}
    {{- $_ := set $service "credentials" (without $service.credentials "search-engine") }}
  {{- end }}
  {{- $operations := dict "name" "http" "port" $service.port }}
  {{- with $service.internalPort }}{{ $operations = dict "name" "internal" "port" . }}{{ end }}
  {{- $_ := set $service "operations" $operations }}
  {{- $_ := set $services $name $service }}
{{- end }}
{{- $services | toYaml }}
{{- end }}

{{- /*
harena.routing: the routing model of the edge with .Values.routing laid over it, each route with the
defaults filled in, and only those that are enabled. The same as harena_edge.model.load does.
*/}}
{{- define "harena.routing" -}}
{{- $model := mergeOverwrite (.Files.Get "files/routing.yaml" | fromYaml) (deepCopy .Values.routing) }}
{{- $routes := dict }}
{{- range $name, $row := $model.routes }}
  {{- $route := mergeOverwrite (deepCopy $model.defaults) $row }}
  {{- if $route.enabled }}
    {{- $matches := list }}
    {{- range $service := $route.each_of | default (list $route.service) }}
      {{- range $path := $route.prefixes | default $route.exact }}
        {{- $match := dict "path" ($path | replace "{service}" $service) "service" $service }}
        {{- $matches = append $matches $match }}
      {{- end }}
    {{- end }}
    {{- $_ := set $route "matches" $matches }}
    {{- $_ := set $route "pathType" (ternary "Exact" "Prefix" (hasKey $route "exact")) }}
    {{- $_ := set $routes $name $route }}
  {{- end }}
{{- end }}
{{- dict "routes" $routes "cors" $model.cors | toYaml }}
{{- end }}

{{- /* The services that get requests from the edge, as a YAML list under `names`. */}}
{{- define "harena.routedServices" -}}
{{- $names := list }}
{{- range (include "harena.routing" . | fromYaml).routes }}
  {{- range .matches }}{{ $names = append $names .service }}{{ end }}
{{- end }}
{{- dict "names" ($names | uniq | sortAlpha) | toYaml }}
{{- end }}

{{- /* The services that hold a credential, as a YAML list under `names`. */}}
{{- define "harena.holders" -}}
{{- $names := list }}
{{- range $name, $service := include "harena.services" .root | fromYaml }}
  {{- if has $.credential $service.credentials }}{{ $names = append $names $name }}{{ end }}
{{- end }}
{{- dict "names" $names | toYaml }}
{{- end }}
