"""Passages in Azure AI Search, through Azure's own client. Brings that client: import it late."""
