package sample

import (
	"context"
	"flag"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func set(t *testing.T, all, seed string, short bool) {
	t.Helper()
	t.Setenv("SEALTAPE_TEST_ALL", all)
	t.Setenv("SEALTAPE_TEST_SEED", seed)
	f := flag.Lookup("test.short")
	was := f.Value.String()
	value := "false"
	if short {
		value = "true"
	}
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Value.Set(was) })
}

// named is a test of another name, which is all that a sample asks of it.
type named struct {
	testing.TB
	name string
	logs int
}

func (n *named) Name() string        { return n.name }
func (n *named) Helper()             {}
func (n *named) Logf(string, ...any) { n.logs++ }
func choice(name string, n, want int) []int {
	return slices.Collect(Cases(&named{name: name}, n, want))
}

func TestCases(t *testing.T) {
	for _, tt := range []struct {
		name    string
		all     string
		short   bool
		n, want int
		ran     int
	}{
		{"sample", "", false, 400, 12, 12},
		{"all", "1", false, 400, 12, 400},
		{"few", "", false, 7, 12, 7},
		{"as many", "", false, 12, 12, 12},
		{"none", "", false, 0, 12, 0},
		{"short", "", true, 400, 12, 3},
		{"short, rounded up", "", true, 400, 1, 1},
		{"short, all", "1", true, 400, 12, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set(t, tt.all, "a", tt.short)
			got := choice("TestX", tt.n, tt.want)
			if len(got) != tt.ran {
				t.Errorf("%d cases, want %d: %d", len(got), tt.ran, got)
			}
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("not in rising order, each once: %d", got)
			}
			for _, i := range got {
				if i < 0 || i >= tt.n {
					t.Errorf("case %d of %d", i, tt.n)
				}
			}
		})
	}
}

// TestSpread holds that a sample takes one case of each part of the matrix.
func TestSpread(t *testing.T) {
	set(t, "", "", false)
	for i, c := range choice("TestX", 400, 20) {
		if c/20 != i {
			t.Errorf("part %d gave case %d, want one of %d to %d", i, c, i*20, i*20+19)
		}
	}
}

// TestRepeat holds that one seed makes one choice, for each test its own.
func TestRepeat(t *testing.T) {
	set(t, "", "a", false)
	first := choice("TestX", 400, 12)
	if again := choice("TestX", 400, 12); !slices.Equal(first, again) {
		t.Errorf("one seed chose %d and %d", first, again)
	}
	if other := choice("TestY", 400, 12); slices.Equal(first, other) {
		t.Errorf("two tests chose the same: %d", first)
	}
	t.Setenv("SEALTAPE_TEST_SEED", "b")
	if other := choice("TestX", 400, 12); slices.Equal(first, other) {
		t.Errorf("two seeds chose the same: %d", first)
	}
}

// TestEveryCase holds that no case is left out for good.
func TestEveryCase(t *testing.T) {
	set(t, "", "", false)
	ran := make([]bool, 50)
	for day := range 400 {
		t.Setenv("SEALTAPE_TEST_SEED", string(rune('a'+day)))
		for _, c := range choice("TestX", len(ran), 7) {
			ran[c] = true
		}
	}
	if i := slices.Index(ran, false); i >= 0 {
		t.Errorf("400 seeds never chose case %d", i)
	}
}

// TestLogged holds that a sample says how to repeat it, once, and that a whole
// matrix, which needs no seed, says nothing.
func TestLogged(t *testing.T) {
	set(t, "", "", false)
	sampled, whole := &named{name: "TestX"}, &named{name: "TestX"}
	Cases(sampled, 400, 12)
	Cases(whole, 12, 12)
	if sampled.logs != 1 || whole.logs != 0 {
		t.Errorf("a sample logged %d times, a whole matrix %d times; want 1 and 0", sampled.logs, whole.logs)
	}
}

// TestBubble holds that the date is today's where synctest says it is 2000.
func TestBubble(t *testing.T) {
	set(t, "", "", false)
	want := choice("TestX", 400, 12)
	synctest.Test(t, func(t *testing.T) {
		if got := choice("TestX", 400, 12); !slices.Equal(got, want) {
			t.Errorf("a bubble chose %d, its test %d", got, want)
		}
	})
}

func TestLive(t *testing.T) {
	for _, short := range []bool{false, true} {
		set(t, "", "", short)
		skipped := true
		t.Run("", func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			Live(t)
		})
		if skipped != short {
			t.Errorf("-short=%v: skipped is %v", short, skipped)
		}
	}
}

// A timed test is one of a run with a deadline, or without.
type timed struct {
	testing.TB
	end time.Time
}

func (t timed) Deadline() (time.Time, bool) { return t.end, !t.end.IsZero() }

// TestContext holds that what waits is told so before the run is over, and no sooner.
func TestContext(t *testing.T) {
	end := time.Now().Add(time.Hour)
	if got, ok := Context(timed{t, end}).Deadline(); !ok || !got.Equal(end.Add(-reserve)) {
		t.Errorf("ends at %v, %t, in a run that ends at %v", got, ok, end)
	}
	short := time.Now().Add(reserve)
	if ctx := Context(timed{t, short}); ctx.Err() != nil {
		t.Error("a short run does not wait at all")
	} else if got, ok := ctx.Deadline(); !ok || !got.Before(short) {
		t.Errorf("ends at %v, %t, in a run that ends at %v", got, ok, short)
	}
	for _, tb := range []testing.TB{timed{TB: t}, struct{ testing.TB }{t}} {
		if got, ok := Context(tb).Deadline(); ok {
			t.Errorf("ends at %v in a run that does not end", got)
		}
	}
	var ctx context.Context
	t.Run("", func(t *testing.T) { ctx = Context(t) })
	if ctx.Err() == nil {
		t.Error("goes on after its test")
	}
}
