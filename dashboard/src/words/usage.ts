// What the usage card and its screen say.
import { say } from ".";

say({
  en: {
    card: {
      left: "Left",
      plan: "Plan {{plan}}",
      used: "Used in this period",
      percent: "{{percent}} % used",
      usedOf: "{{used}} used ({{percent}} %)",
      renews: "renews {{at}}",
      turns: "About {{count}} more turns.",
      state: {
        normal: "All is well.",
        buy: "Most of it is used. You can buy more at any time.",
        warning: "Nearly used up. Buy more to go on without a break.",
        critical: "Almost nothing is left. Buy more now.",
        blocked: "Used up. Calls are refused until you buy more or the period renews.",
      },
    },
    usage: {
      lots: "What it is made of",
      until: "until {{at}}",
      forGood: "does not end",
      noLots: "Nothing is left.",
      noAccount: "You have no account of your own. Operators find those of others under accounts.",
    },
  },
  ko: {
    card: {
      left: "남은 양",
      plan: "{{plan}} 요금제",
      used: "이번 기간 사용량",
      percent: "{{percent}}% 사용",
      usedOf: "{{used}} 사용 ({{percent}}%)",
      renews: "{{at}} 갱신",
      turns: "앞으로 약 {{count}}번 더 대화할 수 있습니다.",
      state: {
        normal: "여유가 있습니다.",
        buy: "대부분 사용했습니다. 언제든지 추가로 구매할 수 있습니다.",
        warning: "거의 다 썼습니다. 끊김 없이 쓰려면 추가로 구매하세요.",
        critical: "남은 양이 얼마 없습니다. 지금 추가로 구매하세요.",
        blocked: "모두 사용했습니다. 추가로 구매하거나 갱신될 때까지 사용할 수 없습니다.",
      },
    },
    usage: {
      lots: "구성",
      until: "{{at}}까지",
      forGood: "기한 없음",
      noLots: "남은 것이 없습니다.",
      noAccount: "본인 계정이 없습니다. 운영자는 계정 화면에서 다른 계정을 볼 수 있습니다.",
    },
  },
});
