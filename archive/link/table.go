package link

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/archive"
)

const (
	tableHeader = "sealtape.v1/presigned"

	// MaxTable is the most bytes of a table: what fits in a share.
	MaxTable = 1<<20 - 64<<10
)

// A Table lists what is appended to the URL of each object of a recording, where it is
// another thing for each: presigned URLs differ in their signature. Its text is
//
//	sealtape.v1/presigned
//	recording: ID
//	query: QUERY
//	NAME END
//
// with one line for each object, in the order of their names, which are relative to
// the recording's folder. The URL of an object is followed by a ?, by QUERY and by its
// END.
type Table struct {
	Recording string // ID
	Query     string // the beginning that all have
	Objects   []TableObject
}

// A TableObject is one line of a Table.
type TableObject struct{ Name, End string }

// String returns the text of the table.
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrecording: %s\nquery: %s\n", tableHeader, t.Recording, t.Query)
	for _, o := range t.Objects {
		fmt.Fprintf(&b, "%s %s\n", o.Name, o.End)
	}
	return b.String()
}

// Queries returns what is appended to the URL of each object, by its name.
func (t *Table) Queries() map[string]string {
	all := make(map[string]string, len(t.Objects))
	for _, o := range t.Objects {
		all[o.Name] = t.Query + o.End
	}
	return all
}

// ParseTable reads the text of a table of the recording id. It accepts exactly what
// String writes. Its errors hold nothing of the table.
func ParseTable(text, id string) (*Table, error) {
	bad := errors.New("the table of presigned URLs is malformed")
	lines := strings.Split(text, "\n")
	if len(text) > MaxTable || len(lines) < 5 || lines[len(lines)-1] != "" || lines[0] != tableHeader {
		return nil, bad
	}
	var ok, named bool
	t := &Table{}
	t.Recording, named = strings.CutPrefix(lines[1], "recording: ")
	t.Query, ok = strings.CutPrefix(lines[2], "query: ")
	if !named || !ok || t.Recording != id || !validQuery(t.Query) {
		return nil, bad
	}
	last := ""
	for _, line := range lines[3 : len(lines)-1] {
		name, end, _ := strings.Cut(line, " ")
		if archive.ValidName(name) != nil || name <= last || !validQuery(end) {
			return nil, bad
		}
		t.Objects = append(t.Objects, TableObject{name, end})
		last = name
	}
	return t, nil
}
