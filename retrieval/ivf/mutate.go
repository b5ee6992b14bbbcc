package ivf

import "github.com/recsyskit/recsys"

func (ix *Index) Insert(item recsys.ItemID, vec []float32) error { return nil }
func (ix *Index) Update(item recsys.ItemID, vec []float32) error { return nil }
func (ix *Index) Delete(item recsys.ItemID) error                { return nil }
