// Package hnsw finds the nearest items through a hierarchical navigable small world graph.
package hnsw
