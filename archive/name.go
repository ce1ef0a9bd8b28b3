package archive

import (
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
	classic bool // of an epoch: the file for readers without post-quantum keys
}

// String returns the name, relative to the recording's folder.
func (l logged) String() string {
	suffix := ageSuffix
	if l.torn {
		suffix = tornSuffix + ageSuffix
	}
	if l.classic {
		suffix = classicSuffix + ageSuffix
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
		l.torn = l.kind == Segment && strings.HasPrefix(rest[6:], tornSuffix)
		l.classic = l.kind == Epoch && strings.HasPrefix(rest[6:], classicSuffix)
		return l, l.String() == name
	}
	return logged{}, false
}
