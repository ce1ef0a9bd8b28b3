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
	// Index: what helps to find a way in the segments, numbered from 0.
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
	partSuffix    = ".part" // of an object that is still being written
	sharesFolder  = "shares/"
	logFolder     = "log/"
)

// A logged is the name of an object in the log, taken apart.
type logged struct {
	kind    Kind
	number  int
	torn    bool // of a segment: salvaged after a crash
	classic bool // of an epoch: a file for readers without post-quantum keys
	part    int  // of an epoch: its further files, from 2; 0 is the first
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
	if l.classic {
		suffix = classicSuffix + suffix
	}
	return fmt.Sprintf("%s%06d%s", folders[l.kind], l.number, suffix)
}

// parseName takes a name apart. It accepts exactly the names String returns,
// with numbers in range.
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
			rest, l.classic = strings.CutPrefix(rest, classicSuffix)
			if digits, more := strings.CutPrefix(rest, "-"); more && len(digits) > 2 {
				if l.part, err = strconv.Atoi(digits[:2]); err != nil || l.part < 2 || l.part > maxEpochFiles {
					return logged{}, false
				}
			}
		}
		return l, l.String() == name
	}
	return logged{}, false
}

// further reports whether l is a file of an epoch that can have one before it.
func (l logged) further() bool { return l.classic || l.part > 0 }

// follows reports whether l is the next file of the epoch that before is one of.
func (l logged) follows(before logged) bool {
	if l.kind != Epoch || before.kind != Epoch || l.number != before.number {
		return false
	}
	if l.classic != before.classic {
		return l.classic && l.part == 0
	}
	return l.part == max(1, before.part)+1
}

// compareNames orders the objects of one kind as they are logged.
func compareNames(a, b logged) int {
	rank := func(l logged) int {
		if l.classic {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.part, b.part))
}
