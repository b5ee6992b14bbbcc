package retrieval_test

import (
	"testing"

	"github.com/recsyskit/recsys/retrieval"
)

func TestParseMetricTakesOtherNames(t *testing.T) {
	for name, want := range map[string]retrieval.Metric{
		"ip": retrieval.InnerProduct, "IP": retrieval.InnerProduct, "dot": retrieval.InnerProduct, "Dot": retrieval.InnerProduct,
		"cos": retrieval.Cosine, "cosine": retrieval.Cosine, "Cosine": retrieval.Cosine,
		"l2": retrieval.L2, "L2": retrieval.L2,
	} {
		if got, err := retrieval.ParseMetric(name); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "l1", "cos "} {
		if got, err := retrieval.ParseMetric(name); err == nil || err.Error() != `retrieval: metric is "`+name+`"; want ip, cos or l2` {
			t.Errorf("%q is %v, %v", name, got, err)
		}
	}
	for m := retrieval.InnerProduct; m <= retrieval.L2; m++ {
		if got, err := retrieval.ParseMetric(m.String()); err != nil || got != m {
			t.Errorf("%v is %v, %v", m, got, err)
		}
	}
}
