// What the usage card says, on our pages and on those of others: no more than words, so that the latter stay small.
// `both` say it in the same way; `alone` is what only the card on other pages says.
export const CARD = {
  en: {
    both: {
      left: "Left",
      plan: "Plan {{plan}}",
      used: "Used in this period",
      percent: "{{percent}} % used",
      usedOf: "{{used}} used ({{percent}} %)",
      renews: "renews {{at}}",
      buy: "Buy more",
      state: {
        normal: "All is well.",
        buy: "Most of it is used. You can buy more at any time.",
        warning: "Nearly used up. Buy more to go on without a break.",
        critical: "Almost nothing is left. Buy more now.",
        blocked: "Used up. Calls are refused until you buy more or the period renews.",
      },
      shut: {
        suspended: "This account is suspended: calls are refused. Ask whoever runs this service.",
        closed: "This account is closed: calls are refused.",
      },
    },
    alone: {
      turns: "About {{count}} more turns.",
      turnsOne: "About one more turn.",
      turnsNone: "That is less than a turn takes on average.",
      loading: "Loading …",
      stale: "The service cannot be reached: this is what was last seen.",
      failed: "This cannot be shown at present; it is tried again by itself.",
      ended: "This view has ended. Load the page again.",
      unit: { token: "tokens", point: "points", dollar: "dollars" },
    },
  },
  ko: {
    both: {
      left: "남은 양",
      plan: "{{plan}} 요금제",
      used: "이번 기간 사용량",
      percent: "{{percent}}% 사용",
      usedOf: "{{used}} 사용 ({{percent}}%)",
      renews: "{{at}} 갱신",
      buy: "추가 구매",
      state: {
        normal: "충분히 남아 있습니다.",
        buy: "대부분 사용했습니다. 언제든지 추가로 구매할 수 있습니다.",
        warning: "크레딧이 얼마 남지 않았습니다. 끊김 없이 쓰려면 추가로 구매하세요.",
        critical: "크레딧이 거의 소진되었습니다. 지금 추가로 구매하세요.",
        blocked: "모두 사용했습니다. 추가로 구매하거나 갱신될 때까지 사용할 수 없습니다.",
      },
      shut: {
        suspended: "이 계정은 정지되어 사용할 수 없습니다. 서비스 담당자에게 문의하세요.",
        closed: "이 계정은 해지되어 사용할 수 없습니다.",
      },
    },
    alone: {
      turns: "앞으로 약 {{count}}번 더 대화할 수 있습니다.",
      turnsOne: "앞으로 약 한 번 더 대화할 수 있습니다.",
      turnsNone: "평균적인 대화 한 번에 드는 양보다 적습니다.",
      loading: "불러오는 중…",
      stale: "서비스에 연결할 수 없습니다. 마지막으로 확인한 내용입니다.",
      failed: "지금은 표시할 수 없습니다. 자동으로 다시 시도합니다.",
      ended: "표시 기한이 지났습니다. 페이지를 새로 고치세요.",
      unit: { token: "토큰", point: "포인트", dollar: "달러" },
    },
  },
};
