// <keep-moment>: the form that keeps a moment. On a recording's page it is the second that is shown
// when the form is sent; a new case asks for its title.

class KeepMoment extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => this.changed(event));
    // Before htmx reads the fields.
    this.addEventListener("submit", (event) => this.fill(event.target), true);
    this.addEventListener("htmx:configRequest", (event) => {
      const desk = this.closest("review-desk");
      if (!desk || desk.second === undefined) return;
      event.detail.parameters.start = desk.second;
      event.detail.parameters.end = desk.second + 1;
    });
  }

  changed(event) {
    if (!event.target.matches("[data-to]")) return;
    const title = this.querySelector("[data-title]");
    title.hidden = event.target.value !== "new";
    title.querySelector("input").required = !title.hidden;
  }

  fill(form) {
    const desk = this.closest("review-desk");
    if (!desk || desk.second === undefined) return;
    form.elements.start.value = desk.second;
    form.elements.end.value = desk.second + 1;
  }
}

customElements.define("keep-moment", KeepMoment);
