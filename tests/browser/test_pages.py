#!/usr/bin/env python3
"""The pages show what the server knows, and lead to each other."""

from harness import LR, UNITS, BrowserTest, expect, main


class Pages(BrowserTest):
    @classmethod
    def make_studies(cls):
        cls.client.post("/v1/studies", {"name": "first", "metric": "loss", "direction": "minimize",
                                        "parameters": [LR, UNITS], "strategy": "random", "seed": 7,
                                        "description": "What the others are measured by", "limits": {"trials": 12}})
        for i in range(8):
            lease = cls.worker.post("/v1/studies/first/leases", {"worker": f"gpu0{i % 2 + 1}:0"}).json
            path = f"/v1/leases/{lease['lease']['id']}"
            if i == 5:
                cls.worker.put(f"{path}/result", {"outcome": "failed", "reason": "oom"})
                continue
            cls.worker.post(f"{path}/measurements", {"measurements": [
                {"step": s, "metrics": {"loss": 1 + 1 / s - i / 10}} for s in range(1, 5)]})
            cls.worker.put(f"{path}/result", {"outcome": "completed"})
        cls.running = cls.worker.post("/v1/studies/first/leases", {"worker": "gpu01:0"}).json

    def test_studies_are_listed_with_state_best_and_progress(self):
        self.open("/")
        row = self.page.get_by_role("row").filter(has_text="first")
        expect(row).to_contain_text("running")
        expect(row).to_contain_text("0.55")
        expect(row).to_contain_text("8 of 12")
        expect(row.get_by_text("−56 %")).to_be_visible()


if __name__ == "__main__":
    main()
