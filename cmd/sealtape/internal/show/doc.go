// Package show puts into text and JSON what is known of a recording: a description, a
// verdict, a list, tracks, holes, the timeline, and reports of verifying, exporting and
// decrypting. JSON.md of the command says what the fields of the JSON mean, and a test
// of the command holds that it says all.
package show
