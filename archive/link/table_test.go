package link

import (
	"maps"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

func TestTable(t *testing.T) {
	id := archive.NewID()
	table := &Table{Recording: id, Query: "X-Amz-Expires=60&X-Amz-Signature=", Objects: []TableObject{{"head", "aa"}, {"log/0000", "bb"}}}
	text := table.String()
	again, err := ParseTable(text, id)
	if err != nil || again.String() != text {
		t.Fatalf("%v, %v", again, err)
	}
	if got, want := again.Queries(), map[string]string{"head": table.Query + "aa", "log/0000": table.Query + "bb"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for what, bad := range map[string]string{
		"of another recording": strings.Replace(text, id, archive.NewID(), 1),
		"names that fall":      text + "head cc\n",
		"no end":               strings.TrimSuffix(text, "\n"),
		"an empty line":        text + "\n",
		"another version":      strings.Replace(text, "v1", "v2", 1),
		"two spaces":           strings.Replace(text, "head ", "head  ", 1),
		"a path out":           strings.Replace(text, "head", "../head", 1),
		"too long":             text + strings.Repeat("x", MaxTable),
		"nothing":              "",
	} {
		if _, err := ParseTable(bad, id); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
