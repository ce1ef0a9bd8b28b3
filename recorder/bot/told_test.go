package bot

import "testing"

// Who was told before is told what changed, and not the whole list again.
func TestTellingNews(t *testing.T) {
	before := telling{readers: []string{"Recorder", "Ada (a b)", "Ben (c d)"}, code: "one two"}
	for _, tt := range []struct {
		now  telling
		want string
	}{
		{telling{readers: []string{"Recorder", "Ada (a b)", "Ben (c d)", "Eve (e f)", "Zoe (g h)"}, code: "three"},
			"From now on it can also be opened by: Eve (e f), Zoe (g h). 5 readers in all. Meeting code: three."},
		{telling{readers: []string{"Recorder"}, code: "three"},
			"What is recorded from now on cannot be opened any more by: Ada (a b), Ben (c d). 1 reader in all. Meeting code: three."},
		{telling{readers: []string{"Recorder", "Ada (x y)", "Ben (c d)"}, code: "three", without: 2},
			"From now on it can also be opened by: Ada (x y). What is recorded from now on cannot be opened any more by: Ada (a b). 3 readers in all. " +
				"There are as many readers as there can be: 2 people more cannot open it. Meeting code: three."},
		{telling{readers: before.readers, code: "three"}, "Meeting code: three."},
	} {
		if got := tt.now.news(before); got != tt.want {
			t.Errorf("%+v:\n%s\nwant\n%s", tt.now, got, tt.want)
		}
	}
	if got := before.whole(); got != "What is recorded now can be opened by: Recorder, Ada (a b), Ben (c d). Meeting code: one two." {
		t.Errorf("%s", got)
	}
}
