// Package gbdt serves boosted trees.
package gbdt
