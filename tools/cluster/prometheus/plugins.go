// Package plugins takes the place of Prometheus' own: of all discoveries, the one that the chart
// uses. The others bring the libraries of twenty clouds.
package plugins

import _ "github.com/prometheus/prometheus/discovery/kubernetes"
