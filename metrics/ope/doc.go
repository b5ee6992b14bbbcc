// Package ope estimates from the log of one policy what another would have earned.
package ope
