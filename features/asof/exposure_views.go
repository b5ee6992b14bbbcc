package asof

import (
	"slices"

	"github.com/recsyskit/recsys"
)

// noteViews notes the views of a record, as ranking.Collector does: those whose stage wrote a column that is taken, and those
// with encoders, as the columns that these derive have another stage.
func (e *exposureReader) noteViews(x *recsys.Exposure) error {
	for i := range x.Views {
		v := &x.Views[i]
		if !e.takes(x.Schema, v) {
			continue
		}
		at := slices.IndexFunc(e.views, func(w recsys.FeatureView) bool { return w.Name == v.Name })
		switch {
		case at < 0:
			e.views = append(e.views, v.FeatureView)
		case e.views[at] == v.FeatureView:
		case e.AnyVersion:
			e.views[at] = v.FeatureView
		default:
			return &recsys.ViewError{
				View: v.Name, Want: e.views[at].Hash, Have: v.Hash,
				Reason: "records before were served from another version; take each version for itself, or set AnyVersion",
			}
		}
	}
	return nil
}

// takes reports whether columns that are taken may come from a view.
func (e *exposureReader) takes(s *recsys.Schema, v *recsys.StageView) bool {
	wrote := func(name string) bool {
		f, ok := s.Field(name)
		return ok && f.Source == v.Stage
	}
	if len(e.Columns)+len(e.IDColumns) == 0 {
		return false
	}
	return v.Encoders != 0 || slices.ContainsFunc(e.Columns, wrote) || slices.ContainsFunc(e.IDColumns, wrote)
}
