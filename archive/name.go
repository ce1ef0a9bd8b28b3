package archive

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A Kind is a kind of logged object.
type Kind int

const (
	// Segment: a piece of the recording, numbered from 0.
	Segment Kind = iota
	// Index: says what segments hold, numbered from 0.
	Index
	// Epoch: an epoch's secret for its readers, numbered from 1. Made by
	// StartEpoch.
	Epoch
)

var folders = [...]string{Segment: "segments/", Index: "index/", Epoch: "epochs/"}

// String returns "segment", "index" or "epoch".
func (k Kind) String() string {
	switch k {
	case Segment:
		return "segment"
	case Index:
		return "index"
	case Epoch:
		return "epoch"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

const (
	maxNumber = 999_999 // of an object: names have six digits

	ageSuffix     = ".age"
	tornSuffix    = "-torn"
	classicSuffix = "-classic"
	lateSuffix    = "-late-"
	partSuffix    = ".part" // of an object that is still being written
	sharesFolder  = "shares/"
	// attachmentsFolder has what readers attached.
	attachmentsFolder = "attachments/"
	logFolder         = "log/"
)

// A logged is the name of an object in the log, parsed.
type logged struct {
	kind    Kind
	number  int
	torn    bool // of a segment: salvaged after a crash
	classic bool // of an epoch: a file for readers without post-quantum keys
	part    int  // of an epoch: its further files, from 2; 0 is the first
	late    int  // of an epoch: its files for late readers, from 1
}

// String returns the name, relative to the recording's folder.
func (l logged) String() string {
	suffix := ageSuffix
	if l.torn {
		suffix = tornSuffix + ageSuffix
	}
	if l.part > 0 {
		suffix = fmt.Sprintf("-%02d%s", l.part, suffix)
	}
	if l.late > 0 {
		suffix = fmt.Sprintf("%s%04d%s", lateSuffix, l.late, suffix)
	}
	if l.classic {
		suffix = classicSuffix + suffix
	}
	return fmt.Sprintf("%s%06d%s", folders[l.kind], l.number, suffix)
}

// parseName parses a name. It accepts exactly the names that String returns, with
// numbers in range.
func parseName(name string) (logged, bool) {
	for kind, folder := range folders {
		rest, ok := strings.CutPrefix(name, folder)
		if !ok || len(rest) < 6 {
			continue
		}
		n, err := strconv.Atoi(rest[:6])
		if err != nil || n < 0 || kind == int(Epoch) && n == 0 {
			return logged{}, false
		}
		l := logged{kind: Kind(kind), number: n}
		rest = rest[6:]
		l.torn = l.kind == Segment && strings.HasPrefix(rest, tornSuffix)
		if l.kind == Epoch {
			l.epochFile(rest)
		}
		return l, l.String() == name
	}
	return logged{}, false
}

// epochFile parses the rest of an epoch file's name, which says which of the
// epoch's files it is.
func (l *logged) epochFile(rest string) {
	rest, _ = strings.CutSuffix(rest, ageSuffix)
	if digits, ok := strings.CutPrefix(rest, lateSuffix); ok {
		if n, err := strconv.Atoi(digits); err == nil && n <= maxLateFiles {
			l.late = n
		}
		return
	}
	rest, l.classic = strings.CutPrefix(rest, classicSuffix)
	if digits, ok := strings.CutPrefix(rest, "-"); ok {
		if n, err := strconv.Atoi(digits); err == nil && n >= 2 && n <= maxEpochFiles {
			l.part = n
		}
	}
}

// compareNames orders the objects of one kind as they are logged.
func compareNames(a, b logged) int {
	rank := func(l logged) int {
		switch {
		case l.late > 0:
			return 2
		case l.classic:
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.part, b.part), cmp.Compare(a.late, b.late))
}

// An order decides what may be the next line of a log. The zero value is that of
// an empty log.
type order struct {
	next   [Epoch + 1]int // by kind: the lowest number that can follow
	before logged         // the last line
	late   int            // files for late readers of the last epoch
}

// current reports whether l is a further file of the last epoch that may follow
// the files logged so far, now or once the files between them are logged.
func (o order) current(l logged) bool {
	if l.kind != Epoch || l.number+1 != o.next[Epoch] {
		return false
	}
	return l.late > o.late || l.late == 0 && (l.classic || l.part > 0) && o.before.kind == Epoch && o.before.late == 0
}

// allows reports whether l may be the next line. Numbers of each kind rise. An
// epoch comes first, with its files in one row; files for late readers may follow
// while the epoch lasts.
func (o order) allows(l logged) bool {
	switch {
	case l.number >= o.next[l.kind]:
		return l.part == 0 && l.late == 0 && (l.kind == Epoch || o.next[Epoch] > 0)
	case !o.current(l):
		return false
	case l.late > 0:
		return l.late == o.late+1
	case l.classic != o.before.classic:
		return l.classic && l.part == 0
	}
	return l.part == max(1, o.before.part)+1
}

// add notes that l is the next line.
func (o *order) add(l logged) {
	if l.kind == Epoch {
		o.late = l.late
	}
	o.next[l.kind], o.before = l.number+1, l
}
