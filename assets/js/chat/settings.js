// How the model should behave: persona, creativity and the rest. One plain object, kept with each conversation by the
// server and sent with every request; the last used one is remembered for new chats.

import { button, composing, h, isExpert, memory, page, popover, t, toast } from "../dom.js";

const DEFAULTS = page.chat_defaults;
const PERSONAS = page.personas; // [{id, name, about, prompt}] in the visitor's language
const CREATIVITY = [["precise", 0], ["careful", 0.3], ["balanced", 0.7], ["imaginative", 1.1]];

// Every number in plain words; `expert` ones are folded away for beginners.
const SLIDERS = [
  { key: "temperature", min: 0, max: 2, step: 0.05 },
  { key: "max_new_tokens", min: 16, max: 4096, step: 16 },
  { key: "repetition_penalty", min: 1, max: 2, step: 0.05 },
  { key: "top_p", min: 0, max: 1, step: 0.01, expert: true },
  { key: "top_k", min: 0, max: 200, step: 1, expert: true },
  { key: "min_p", min: 0, max: 0.5, step: 0.01, expert: true },
];

export class ChatSettings {
  constructor({ presets }) {
    this.presets = presets; // {list, save, remove} on the server
    this.value = { ...DEFAULTS, ...this.remembered() };
    this.listeners = [];
  }

  remembered() {
    try { return JSON.parse(memory.get("settings") ?? "{}"); } catch { return {}; }
  }

  onchange(listener) { this.listeners.push(listener); listener(); }

  // A conversation was opened: its own settings, or for a new one those last used.
  load(value) {
    this.value = { ...DEFAULTS, ...(value ?? this.remembered()) };
    this.listeners.forEach((listener) => listener());
  }

  set(changes) {
    Object.assign(this.value, changes);
    const { seed, ...lasting } = this.value; // a seed is for one experiment, not for every new chat
    memory.set("settings", JSON.stringify(lasting));
    this.listeners.forEach((listener) => listener());
  }

  get persona() { return PERSONAS.find((persona) => persona.id === this.value.persona) ?? PERSONAS[0]; }

  get creativityName() {
    const near = CREATIVITY.find(([, temperature]) => Math.abs(temperature - this.value.temperature) < 0.01);
    return near ? t(`creativity_${near[0]}`) : t("creativity_own", { value: this.value.temperature });
  }

  openPersonas(anchor) {
    const list = h("div", { class: "choices", role: "radiogroup", "aria-label": t("persona") }, PERSONAS.map((persona) => h("button", {
      type: "button", role: "radio", class: "option", "aria-checked": String(persona.id === this.persona.id && this.value.system_prompt === null),
      onclick: () => { this.set({ persona: persona.id, system_prompt: null }); open.dismiss(); },
    }, h("strong", {}, persona.name), h("span", {}, persona.about))));
    const own = h("button", { type: "button", class: "option", onclick: () => { open.dismiss(); this.openAll(anchor); } },
      h("strong", {}, t("own_instructions")), h("span", {}, t("own_instructions_about")));
    const open = popover(anchor, h("div", {}, h("h3", {}, t("persona_question")), list, own), { label: t("persona"), className: "menu" });
  }

  openCreativity(anchor) {
    const list = h("div", { class: "choices", role: "radiogroup", "aria-label": t("creativity") }, CREATIVITY.map(([name, temperature]) => h("button", {
      type: "button", role: "radio", class: "option", "aria-checked": String(Math.abs(this.value.temperature - temperature) < 0.01),
      onclick: () => { this.set({ temperature }); open.dismiss(); },
    }, h("strong", {}, t(`creativity_${name}`)), h("span", {}, t(`creativity_${name}_about`)))));
    const open = popover(anchor, h("div", {}, h("h3", {}, t("creativity_question")), list), { label: t("creativity"), className: "menu" });
  }

  openAll(anchor) {
    const expert = isExpert();
    const prompt = h("textarea", { id: "system-prompt", rows: 4, maxLength: 20_000, value: this.value.system_prompt ?? this.persona.prompt });
    prompt.addEventListener("input", () => this.set({ system_prompt: prompt.value === this.persona.prompt ? null : prompt.value }));
    const reset = button(t("reset"), { text: true, onclick: () => { this.set({ ...DEFAULTS }); open.dismiss(); } });
    const content = h("div", { class: "settings" },
      h("h3", {}, t("chat_settings")),
      this.presetRow(() => open.dismiss()),
      h("label", { for: "system-prompt" }, t("system_prompt"), h("small", {}, t("system_prompt_hint"))), prompt,
      SLIDERS.filter((slider) => expert || !slider.expert).map((slider) => this.slider(slider)),
      expert ? this.seedField() : null, expert ? this.stopField() : null,
      h("div", { class: "row end" }, reset),
      expert ? null : h("p", { class: "hint" }, t("more_in_expert")));
    const open = popover(anchor, content, { label: t("chat_settings"), className: "panel", align: "end" });
  }

  slider({ key, min, max, step }) {
    const id = `setting-${key}`;
    const output = h("output", { for: id }, String(this.value[key]));
    const input = h("input", { type: "range", id, min: String(min), max: String(max), step: String(step), value: String(this.value[key]), "aria-describedby": `${id}-hint` });
    input.addEventListener("input", () => { output.textContent = input.value; this.set({ [key]: Number(input.value) }); });
    return h("div", { class: "slider" }, h("label", { for: id }, t(`setting_${key}`), output), input, h("small", { id: `${id}-hint` }, t(`setting_${key}_hint`)));
  }

  seedField() {
    const input = h("input", { type: "number", id: "setting-seed", min: "0", max: "4294967295", placeholder: t("seed_random"), value: this.value.seed == null ? "" : String(this.value.seed) });
    input.addEventListener("input", () => this.set({ seed: input.value === "" ? null : Math.min(4294967295, Math.max(0, Math.floor(Number(input.value)))) }));
    return h("div", { class: "slider" }, h("label", { for: "setting-seed" }, t("setting_seed")), input, h("small", {}, t("setting_seed_hint")));
  }

  stopField() {
    const input = h("input", { type: "text", id: "setting-stop", value: (this.value.stop ?? []).join(" | ") });
    input.addEventListener("input", () => this.set({ stop: input.value.split("|").map((text) => text.trim()).filter(Boolean) }));
    return h("div", { class: "slider" }, h("label", { for: "setting-stop" }, t("setting_stop")), input, h("small", {}, t("setting_stop_hint")));
  }

  presetRow(dismiss) {
    const row = h("div", { class: "presets" });
    const draw = async () => {
      const saved = await this.presets.list();
      const apply = (values) => { this.set({ ...DEFAULTS, ...values }); dismiss(); };
      row.replaceChildren(h("span", { class: "hint" }, t("presets")), ...saved.map(({ name, values }) => h("span", { class: "preset" },
        button(name, { text: true, onclick: () => apply(values) }),
        button(t("remove_preset", { name }), { iconName: "close", onclick: async () => {
          const answer = await this.presets.remove({ name });
          await draw();
          if (answer.error) { toast(answer.error); return; }
          toast(t("preset_removed", { name }), { action: t("undo"), onaction: () => this.presets.save({ name, values }) });
        } }))), this.presetForm(draw));
    };
    draw();
    return row;
  }

  presetForm(draw) {
    const name = h("input", { type: "text", maxLength: 40, placeholder: t("preset_name"), "aria-label": t("preset_name") });
    const save = async () => {
      if (!name.value.trim()) { name.focus(); return; }
      const answer = await this.presets.save({ name: name.value.trim(), values: this.value });
      if (answer.error) toast(answer.error);
      else await draw();
    };
    name.addEventListener("keydown", (event) => { if (event.key === "Enter" && !composing(event)) save(); });
    return h("span", { class: "preset-form" }, name, button(t("save_preset"), { text: true, onclick: save }));
  }
}

