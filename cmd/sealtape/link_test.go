package main

import (
	"testing"
	"time"
)

func TestParseTerm(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"": 0, "15m": 15 * time.Minute, "2h": 2 * time.Hour, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour,
		"0d": -1, "-1d": -1, "d": -1, "59s": -1, "soon": -1, "7": -1, "1y": -1,
	} {
		got, err := parseTerm(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
}
