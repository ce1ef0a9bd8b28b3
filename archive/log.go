package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"
)

const (
	// MaxObjects is the most objects a recording can have in its log: with the
	// default segments of 5 s, some two months.
	MaxObjects = logFiles * logLines

	logLines = 1024 // in one file
	logFiles = 1024
	maxLine  = 2*sha256.Size + 2 + 32 // longer than any name in the log needs
	maxLog   = logLines * (maxLine + 1)
)

// An Entry is a line of the log: an object of the recording and its hash.
type Entry struct {
	Name   string // relative to the recording's folder: "segments/000000.age"
	SHA256 [sha256.Size]byte
}

// String returns the line without its end, as sha256sum writes it.
func (e Entry) String() string {
	return hex.EncodeToString(e.SHA256[:]) + "  " + e.Name
}

// logName returns the name of the log file that has line n, from 0.
func logName(n int64) string {
	return fmt.Sprintf("%s%04d", logFolder, n/logLines)
}

// parseEntry parses a line without its end. It accepts exactly what String
// returns for the names of this format.
func parseEntry(line string) (Entry, error) {
	const digits = 2 * sha256.Size
	if len(line) < digits+2 || len(line) > maxLine || line[digits:digits+2] != "  " {
		return Entry{}, fmt.Errorf("malformed line %.100q", line)
	}
	e := Entry{Name: line[digits+2:]}
	if _, err := hex.Decode(e.SHA256[:], []byte(line[:digits])); err != nil || strings.ToLower(line[:digits]) != line[:digits] {
		return Entry{}, fmt.Errorf("malformed hash in line %.100q", line)
	}
	if _, ok := parseName(e.Name); !ok {
		return Entry{}, fmt.Errorf("malformed name in line %.100q", line)
	}
	return e, nil
}

// parseLog parses one log file: from 1 to logLines lines, each with its end.
func parseLog(text []byte) ([]Entry, error) {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return nil, errors.New("does not end with a line end")
	}
	if n := bytes.Count(text, []byte("\n")); n > logLines {
		return nil, fmt.Errorf("has %d lines, more than %d", n, logLines)
	}
	var entries []Entry
	for line := range strings.Lines(string(text)) {
		e, err := parseEntry(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(entries)+1, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// formatLog is the inverse of parseLog.
func formatLog(entries []Entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// A tree computes the root of a growing log in memory that does not grow with
// it: of all the nodes of the RFC 6962 tree it keeps the roots of the complete
// subtrees, one for each bit set in size, largest first.
type tree struct {
	size  int64
	roots []tlog.Hash
}

func (t *tree) add(e Entry) {
	t.roots = append(t.roots, tlog.RecordHash([]byte(e.String())))
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.roots) - 1
		t.roots[last-1] = tlog.NodeHash(t.roots[last-1], t.roots[last])
		t.roots = t.roots[:last]
	}
	t.size++
}

func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	h := t.roots[len(t.roots)-1]
	for i := len(t.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.roots[i], h)
	}
	return h
}

// clone returns a copy that grows by itself.
func (t tree) clone() tree { return tree{t.size, slices.Clone(t.roots)} }

// rootOf returns the root of entries.
func rootOf(entries []Entry) tlog.Hash {
	var t tree
	for _, e := range entries {
		t.add(e)
	}
	return t.root()
}

// A logState is what is needed of a log to check the lines that follow.
type logState struct {
	tree
	order
}

func (s logState) clone() logState { return logState{s.tree.clone(), s.order} }

// add adds a line, and returns an error if it is out of order.
func (s *logState) add(e Entry) error {
	l, ok := parseName(e.Name)
	if !ok || !s.allows(l) {
		return fmt.Errorf("%.40q is out of order", e.Name)
	}
	s.order.add(l)
	s.tree.add(e)
	return nil
}

// extend adds the first of lines, as many as h signs, and returns them. The error
// is a *CorruptError if they and those before are not the log that h signs.
func (s *logState) extend(lines []Entry, h Head) ([]Entry, error) {
	n := h.Size - s.size
	if n < 0 || n > int64(len(lines)) {
		return nil, &CorruptError{"log", fmt.Errorf("has %d lines of the %d that the head signs", s.size+int64(len(lines)), h.Size)}
	}
	for _, e := range lines[:n] {
		if err := s.add(e); err != nil {
			return nil, &CorruptError{"log", err}
		}
	}
	if s.root() != h.Root {
		return nil, &CorruptError{"log", errors.New("is not the one that the head signs")}
	}
	return lines[:n], nil
}

// readLog reads the log that h signs, its files side by side, and checks it
// against h. beyond is the number of further lines in the last file, which the
// head does not sign. The error is a *CorruptError if the log is at fault, and
// something else if it could not be read.
func readLog(ctx context.Context, s Store, h Head) (entries []Entry, state logState, beyond int, err error) {
	lines, err := readLogFiles(ctx, s, h, 0)
	if err == nil {
		entries, err = state.extend(lines, h)
	}
	return entries, state, len(lines) - len(entries), err
}

// readLogFiles reads the files of the log that h signs, side by side, from the
// first one asked for, and returns their lines, of which the last may be beyond
// the head. Each file is checked by itself.
func readLogFiles(ctx context.Context, s Store, h Head, first int) ([]Entry, error) {
	files := make([][]Entry, int((h.Size+logLines-1)/logLines)-first)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // a recording of a day in one round
	for i := range files {
		g.Go(func() error {
			name := logName(int64(first+i) * logLines)
			text, err := read(ctx, s, h.ID, name, maxLog)
			if err != nil {
				return err
			}
			if files[i], err = parseLog(text); err != nil {
				return &CorruptError{name, err}
			}
			if i < len(files)-1 && len(files[i]) != logLines {
				return &CorruptError{name, fmt.Errorf("has %d lines instead of %d", len(files[i]), logLines)}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(files...), nil
}
