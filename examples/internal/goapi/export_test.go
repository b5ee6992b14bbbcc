package goapi

import (
	"maps"
	"slices"
)

// FromText does what Load does with the texts of files by their path below src,
// without a disk.
func FromText(texts map[string]string, cfg Config) *Dataset {
	var sources []*source
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		sources = append(sources, parseSource(path, []byte(texts[path])))
	}
	return assemble(sources, nil, cfg)
}
