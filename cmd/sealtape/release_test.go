package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestReleaseHasNoDemo: a released sealtape links nothing of the demo and the tests.
func TestReleaseHasNoDemo(t *testing.T) {
	linked := func(tags string) []string {
		out, err := exec.Command("go", "list", "-deps", "-tags", tags, ".").Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	const demo = modulePath + "/cmd/sealtape/internal/demo"
	if all := linked(""); !slices.Contains(all, demo) || !slices.Contains(all, modulePath+"/testdata/servers") {
		t.Fatalf("without the tag it has no demo: %q", all)
	}
	released := linked("release")
	if !slices.Contains(released, modulePath+"/recorder/bot") {
		t.Fatalf("linked are %q", released)
	}
	for _, p := range released {
		if p == demo || p == "testing" || strings.HasPrefix(p, modulePath+"/testdata/") {
			t.Errorf("a released sealtape links %s", p)
		}
	}
}
