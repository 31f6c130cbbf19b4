// A stretch of a recording between two marks, played over and over once both are set.

const LEAST_S = 0.1;

export class Loop {
  constructor(changed) {
    this.changed = changed;
  }

  get running() {
    return this.from !== undefined && this.to !== undefined;
  }

  // Sets one mark, "from" or "to"; returns a sentence for people.
  mark(which, time) {
    const other = which === "from" ? this.to : this.from;
    const length = which === "from" ? other - time : time - other;
    if (other !== undefined && Math.abs(length) < LEAST_S) {
      return "The loop would end where it begins: go on a little, then mark its other end.";
    }
    // The newer mark is meant: an older one on its wrong side goes.
    if (length < 0) this.from = this.to = undefined;
    this[which] = time;
    this.changed();
    if (this.running) return "The stretch between the marks plays over and over.";
    return which === "from"
      ? "It begins here. Mark where it ends with O, or with the button."
      : "It ends here. Mark where it begins with I, or with the button.";
  }

  clear() {
    this.from = this.to = undefined;
    this.changed();
  }

  // Whether playing from one time to the next ran out of the end; a seek beyond it is let be.
  left(before, now) {
    return this.running && before >= this.from && before < this.to && now >= this.to;
  }
}
