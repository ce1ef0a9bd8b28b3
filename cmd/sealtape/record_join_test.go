//go:build unix

package main

import (
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// Who takes the place of another does so once, and thereafter leaves it to the next like anybody.
func TestOthersJoin(t *testing.T) {
	for _, tt := range []struct {
		others, identity string
		yield, replace   bool
	}{
		{othersBeside, "bot", false, false}, {othersYield, "bot", true, false}, {othersReplace, "bot", true, true},
		{othersYield, "", false, false}, {othersReplace, "", false, true}, // nobody else can have an identity that is made up
	} {
		o := recordOptions{url: "wss://meet.example.org", others: tt.others, identity: tt.identity}
		c, err := o.joinConfig(&ui.Env{})
		if err != nil || c.Yield != tt.yield || c.Replace != tt.replace {
			t.Errorf("%s as %q: yields %v, replaces %v, %v", tt.others, tt.identity, c.Yield, c.Replace, err)
		}
	}
}
