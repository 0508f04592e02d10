// The model chip and its panel: which model speaks, what others there are, what they cost, and how to change.

import { bus, button, h, icon, isExpert, number, popover, t, toast } from "../dom.js";

const BUSY_POLL_MS = 700;
const IDLE_POLL_MS = 5_000;

export class ModelChip {
  constructor(server) {
    this.server = server;
    this.dot = h("span", { class: "dot" });
    this.name = h("strong", {});
    this.how = h("small", {});
    this.element = h("button", { type: "button", class: "model-chip", "aria-haspopup": "dialog", onclick: () => this.open() },
      this.dot, h("span", { class: "model-names" }, this.name, this.how), icon("down"));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.poll(); });
    bus.on("conversation", () => this.poll());
    this.poll();
  }

  // One timer for the page; it rests while nobody looks.
  async poll() {
    clearTimeout(this.timer);
    const state = await this.server.list_models();
    if (!state.phase) {
      this.element.dataset.phase = "lost";
      this.how.textContent = t("connection_lost");
    } else {
      this.show(state);
    }
    clearTimeout(this.timer);
    const busy = this.state?.phase === "opening" || this.state?.models.some((model) => model.download) || this.panel;
    if (!document.hidden) this.timer = setTimeout(() => this.poll(), busy ? BUSY_POLL_MS : IDLE_POLL_MS);
  }

  show(state) {
    const before = this.state;
    this.state = state;
    this.element.dataset.phase = state.phase;
    this.name.textContent = state.name || t("no_model");
    this.how.textContent = phaseText(state);
    this.element.setAttribute("aria-label", t("model_chip", { name: state.name, state: phaseText(state) }));
    if (before?.phase === "opening" && state.phase === "ready") bus.emit("model-ready", state);
    if (this.panel) this.drawCards();
  }

  open() {
    this.cards = h("div", { class: "cards" });
    this.custom = this.customField();
    this.panel = popover(this.element, h("div", { class: "model-panel" }, h("h3", {}, t("models")), h("p", { class: "hint" }, t("models_about")), this.cards, this.custom),
      { label: t("models"), className: "panel wide", align: "end", onclose: () => { this.panel = null; } });
    this.drawn = new Map();
    if (this.state) this.drawCards();
    this.poll();
  }

  drawCards() {
    const { state } = this;
    state.models.forEach((model, index) => this.drawCard(model, index));
    this.custom.hidden = !isExpert() || !state.can_switch;
    if (!this.precision.children.length) this.precision.replaceChildren(...state.quantizations.map((name) => h("option", { value: name }, name)));
    if (document.activeElement !== this.precision) this.precision.value = state.quantization;
    this.panel.place();
  }

  // A card is built anew only when it says something else: a button must not be exchanged under somebody's finger.
  drawCard(model, index) {
    const { state } = this;
    const current = model.id === state.id;
    const facts = [model, current, isExpert(), state.can_switch, current ? [state.phase, state.reason, state.error] : null];
    if (model.download) facts[0] = { ...model, download: true };
    const key = JSON.stringify(facts);
    const before = this.drawn.get(model.id);
    if (before?.key !== key) {
      const node = this.card(model, current);
      if (before) before.node.replaceWith(node);
      else this.cards.insertBefore(node, this.cards.children[index] ?? null);
      this.drawn.set(model.id, { key, node });
    }
    if (model.download) this.drawDownload(this.drawn.get(model.id).node, model.download);
  }

  drawDownload(card, download) {
    card.querySelector("progress").value = download.total ? download.done / download.total : 0;
    card.querySelector(".download-text").textContent = download.text;
  }

  card(model, current) {
    const facts = [model.languages, model.size, t("memory", { size: model.memory }), model.speed ? t("measured_speed", { rate: number.format(Math.round(model.speed)) }) : t("not_measured_yet")];
    return h("section", { class: current ? "card current" : "card", "aria-label": model.name },
      h("div", { class: "card-title" }, h("strong", {}, model.name), current ? h("span", { class: "badge" }, t(this.state.phase === "ready" ? "in_use" : "opening_badge")) : null),
      h("p", {}, model.good_at), skillsOf(model), h("p", { class: "hint" }, facts.join(" · ")),
      isExpert() && model.reason ? h("p", { class: "hint" }, model.reason) : null,
      isExpert() ? h("p", { class: "hint mono" }, [model.id, model.licence, t("context", { count: number.format(model.context_length) })].join(" · ")) : null,
      current && this.state.reason ? h("p", { class: "hint" }, this.state.reason) : null,
      current && this.state.phase === "failed" ? h("p", { class: "problem" }, this.state.error) : null,
      model.problem ? h("p", { class: "problem" }, model.problem) : null,
      this.cardAction(model, current));
  }

  cardAction(model, current) {
    if (model.download) {
      return h("div", { class: "row" },
        h("progress", { max: 1, "aria-label": t("downloading", { name: model.name }) }),
        h("span", { class: "hint download-text" }),
        button(t("cancel"), { text: true, onclick: () => this.ask("cancel_download", model) }));
    }
    if (!this.state.can_switch) return null;
    if (current && this.state.phase !== "failed") return null;
    const label = model.here ? t("use") : t("download", { size: model.size });
    return button(label, { text: true, class: "primary", onclick: () => this.ask("use_model", model) });
  }

  customField() {
    const input = h("input", { type: "text", placeholder: "org/name", "aria-label": t("other_model") });
    const use = () => { if (input.value.trim()) this.ask("use_model", { id: input.value.trim(), name: input.value.trim() }); };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") use(); });
    return h("div", { class: "custom-model", hidden: true }, h("label", {}, t("other_model")), h("div", { class: "row" }, input, button(t("use"), { text: true, onclick: use })), h("small", {}, t("other_model_hint")), this.precisionField());
  }

  precisionField() {
    const select = h("select", { id: "precision" });
    select.addEventListener("change", async () => {
      const answer = await this.server.hold_weights({ quantization: select.value });
      if (answer?.error) toast(answer.error);
      await this.poll();
    });
    this.precision = select;
    return h("div", { class: "row" }, h("label", { for: "precision" }, t("precision")), select);
  }

  async ask(name, model) {
    const answer = await this.server[name]({ id: model.id });
    if (answer?.error) toast(answer.error, { seconds: 15 });
    else if (name === "use_model" && this.state?.running) toast(t("switch_waits"));
    await this.poll();
  }
}

// What was measured of a model: a task a row of dots, with the figure behind it.
function skillsOf(model) {
  if (!model.skills.length) return null;
  return h("ul", { class: "skills", "aria-label": t("skills") }, model.skills.map(({ task, level, about }) =>
    h("li", { "data-tip": about, tabindex: "0", "aria-label": `${task}: ${t(`skill_level_${level}`)}. ${about}` }, h("span", {}, task), h("span", { class: "dots", "aria-hidden": "true" }, [1, 2, 3].map((at) => h("i", { class: at <= level ? "on" : "" }))))));
}

function phaseText(state) {
  if (state.phase === "opening") return state.detail || t("opening_short", { seconds: Math.floor(state.seconds) });
  if (state.phase === "failed") return t("model_failed");
  if (state.phase === "ready") return [state.how, state.running ? t("busy", { count: state.running }) : ""].filter(Boolean).join(" · ");
  return t("no_model");
}
