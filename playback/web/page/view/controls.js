import { ClipButton } from "./controls/clip.js";
import { clock } from "./controls/clock.js";
import { FullscreenButton } from "./controls/fullscreen.js";
import { LayoutButton } from "./controls/layout.js";
import { liveButton } from "./controls/live.js";
import { PartButton } from "./controls/part.js";
import { PlayButton } from "./controls/play.js";
import { RateSelect } from "./controls/rate.js";
import { Scrubber } from "./controls/scrubber.js";
import { backButton } from "./controls/seek.js";
import { shareButton } from "./controls/share.js";
import { SkipButton } from "./controls/skip.js";
import { VolumeControl } from "./controls/volume.js";
import { waiting } from "./controls/waiting.js";
import { WindowButton, windowsAllowed } from "./controls/window.js";
import { el } from "./dom.js";
import { say } from "./language.js";

/** Controls are the bar to seek on and the buttons below it. Those that keys work, too, have names. */
export class Controls {
	panel = new PartButton("panel", say("panel"), "c");
	lanes = new PartButton("lanes", say("timeline"), "t");

	/**
	 * @param {HTMLElement} root
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./stage.js").Stage} stage
	 * @param {HTMLElement} theatre
	 * @param {HTMLElement} stageRoot
	 * @param {import("./range.js").Range} range
	 * @param {import("./popover.js").Popover} popover
	 * @param {import("./captions.js").Captions} captions
	 */
	constructor(root, player, stage, theatre, stageRoot, range, popover, captions) {
		this.captions = captions;
		this.play = new PlayButton(player);
		this.volume = new VolumeControl(player);
		this.skip = new SkipButton(player);
		this.rate = new RateSelect(player);
		this.layout = new LayoutButton(stage);
		this.fullscreen = new FullscreenButton(theatre, player.over);
		const pictures = windowsAllowed() && new WindowButton(player, stageRoot, () => this.play.toggle()).node;
		// Play comes first for the keyboard; the bar is drawn above it.
		root.append(el("div", { class: "buttons" },
			this.play.node, backButton(player), this.volume.node, clock(player), liveButton(player), waiting(player),
			el("div", { class: "space" }),
			this.skip.node, this.rate.node, shareButton(player), new ClipButton(player, range, popover).node,
			captions.button, this.layout.node, this.lanes.node, this.panel.node, pictures, this.fullscreen.node), new Scrubber(player, range).node);
	}
}
