package fault

import (
	"strings"
	"testing"
)

func TestContain(t *testing.T) {
	var none map[string]int
	for _, tt := range []struct {
		name string
		f    func()
		want string
	}{
		{"nothing", func() {}, ""},
		{"a nil map", func() { none["ada"] = 1 }, "assignment to entry in nil map at fault_test.go:"},
		{"a range", func() { _ = []int{}[len(none):][0] }, "index out of range [0] with length 0 at fault_test.go:"},
		{"a text", func() { panic("ada said something") }, "string at fault_test.go:"},
	} {
		err := Contain(tt.f)
		switch {
		case tt.want == "" && err != nil, tt.want != "" && err == nil:
			t.Errorf("%s: %v", tt.name, err)
		case err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "ada said")):
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
	}
}
